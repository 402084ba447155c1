"""Asks remote sources about callers, over HTTP, on the event loop: no thread waits, and no call but those concerned.

By aiohttp, whose pool of connections costs no more the more questions are open. It is imported here alone, and only
where a source is configured (lookups.py).
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Collection
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import aiohttp
from yarl import URL

from proxy.policy.remote import Lookup, Opinion, RemoteSource
from proxy.reputation.reputons import LONGEST, read

_HEADERS = {
    "Accept": "application/reputon+json, application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "ringfence",
}
_KEPT_ALIVE = 60.0  # seconds that a connection stays open without a question
_LONGEST_ALONE = 3600.0  # seconds


# The words for errors: what aiohttp says of them holds the URL, and that a number.
_BROKEN: dict[type[Exception], str] = {
    aiohttp.ServerDisconnectedError: "it closed the connection",
    aiohttp.ClientPayloadError: "half an answer",
}


class Asker:
    """Asks sources. Needs a running event loop; `close` it in the end."""

    def __init__(self) -> None:
        self._sessions: dict[RemoteSource, aiohttp.ClientSession] = {}
        self._closing: dict[asyncio.Task[None], aiohttp.ClientSession] = {}

    async def ask(self, lookup: Lookup) -> Opinion:
        """Return the opinion of a source, or why it has none, no later than its timeout."""
        source, number = lookup
        try:
            async with asyncio.timeout(source.timeout):
                return await self._get(source, number)
        except TimeoutError:
            failure = f"no answer within {source.timeout * 1000:.0f} ms"
        except _Useless as error:
            return Opinion(failure=str(error), leave_alone=error.leave_alone)
        except aiohttp.ClientConnectorCertificateError as error:
            failure = f"its certificate is not trusted ({_untrusted(error.certificate_error)})"
        except aiohttp.ClientConnectorDNSError:
            failure = "its name cannot be resolved"
        except OSError as error:
            failure = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else type(error).__name__
        except aiohttp.ClientError as error:
            failure = _BROKEN.get(type(error), "no HTTP that can be read")
        return Opinion(failure=failure)

    def keep(self, sources: Collection[RemoteSource]) -> None:
        """Close the connections to all others, once nothing is asked over them any more."""
        for source in [one for one in self._sessions if one not in sources]:
            session = self._sessions.pop(source)
            task = asyncio.get_running_loop().create_task(_close_later(session, source.timeout))
            self._closing[task] = session
            task.add_done_callback(lambda done: self._closing.pop(done, None))

    async def close(self) -> None:
        """Close all connections."""
        for session in [*self._sessions.values(), *self._closing.values()]:
            await session.close()
        for task in self._closing:
            task.cancel()

    async def _get(self, source: RemoteSource, number: str) -> Opinion:
        """Raises _Useless, aiohttp.ClientError and OSError."""
        url = source.url.replace("{e164}", quote(number, safe="")).replace("{digits}", number[1:])
        async with self._session(source).get(URL(url, encoded=True), allow_redirects=False) as response:
            if response.status != 200:
                whither = " (redirections are not followed)" if 300 <= response.status < 400 else ""
                raise _Useless(f"HTTP {response.status}{whither}", _retry_after(response))
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise _Useless("an answer in a content coding that nobody asked for")
            body = await _read(response)
        try:
            return read(body, number)
        except ValueError as error:
            raise _Useless(f"no reputons in JSON (RFC 7071): {error}") from None

    def _session(self, source: RemoteSource) -> aiohttp.ClientSession:
        session = self._sessions.get(source)
        if session is None:
            context = ssl.create_default_context(cafile=source.cafile) if source.cafile else True
            session = self._sessions[source] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=source.connections, ssl=context, keepalive_timeout=_KEPT_ALIVE),
                headers={**_HEADERS, **dict(source.headers)},
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(),  # there is one for all of it
                auto_decompress=False,
            )
        return session


class _Useless(Exception):
    """An answer came, and nothing can be made of it; who gave it wants no more questions for so many seconds."""

    def __init__(self, failure: str, leave_alone: float = 0.0) -> None:
        super().__init__(failure)
        self.leave_alone = leave_alone


def _retry_after(response: aiohttp.ClientResponse) -> float:
    """The seconds for which a server that has too much to do, or is not there for now, asks to be left alone.

    Of 429 (RFC 6585 4) and 503, as a number or a date (RFC 9110 10.2.3), an hour at most; 0.0 where it does not say.
    """
    said = response.headers.get("Retry-After", "") if response.status in (429, 503) else ""
    if said.isascii() and said.isdigit():
        seconds = float(said)
    else:
        try:
            until = parsedate_to_datetime(said)
            seconds = until.replace(tzinfo=until.tzinfo or UTC).timestamp() - time.time()
        except (ValueError, OverflowError):
            seconds = 0.0
    return min(max(seconds, 0.0), _LONGEST_ALONE)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body. Raises _Useless where it is longer than any answer."""
    if (response.content_length or 0) > LONGEST:
        raise _Useless(f"an answer of more than {LONGEST} bytes")
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LONGEST:
            raise _Useless(f"an answer of more than {LONGEST} bytes")
    return bytes(body)


async def _close_later(session: aiohttp.ClientSession, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await session.close()


def _untrusted(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else type(error).__name__

"""Remote reputation sources, as they stand in the proxy's config."""

from __future__ import annotations

import re
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from proxy.config.environment import filled_in
from proxy.files.yaml_file import FileContext
from proxy.policy.remote import ASSERTIONS, RemoteSource

_URL = "an https address (http on this machine only) with {e164} or {digits} where the number stands"
_PLACE = re.compile(r"\{(?:e164|digits)\}")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token (RFC 9110 5.6.2)
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_OURS = frozenset(("accept", "accept-encoding", "connection", "content-length", "host", "te", "transfer-encoding"))


def _url(text: str) -> str:
    url = filled_in(text)
    plain, places = _PLACE.subn("0", url)
    try:
        parts = urlsplit(plain)
        port = parts.port
        local = parts.hostname == "localhost" or (parts.hostname is not None and _is_loopback(parts.hostname))
    except ValueError:
        raise ValueError(_URL) from None
    if not places or not parts.hostname or port == 0 or parts.scheme not in ("https", "http") or "{" in plain:
        raise ValueError(_URL)
    if parts.scheme == "http" and not local:
        raise ValueError(f"{_URL}: numbers are personal")
    if _PLACE.search(url.partition("://")[2].partition("/")[0]) or parts.username is not None:
        raise ValueError("a host without a user, a password and a number")
    if not plain.isascii() or not plain.isprintable() or " " in plain or "#" in plain:
        raise ValueError("an address without blanks, # and characters other than ASCII")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _header_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name.lower() in _OURS:
        raise ValueError("a header that is the source's own, such as Authorization")
    return name


def _header_value(text: str) -> str:
    value = filled_in(text)
    if not _VALUE.fullmatch(value):
        raise ValueError("printable ASCII; ${NAME} stands for the environment's NAME, which must not be empty")
    return value


def _cafile(path: Path, info: ValidationInfo) -> Path:
    path = FileContext.of(info).beside(path)
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError):
        raise ValueError("a file of certificates (PEM), named relative to this one") from None
    return path


Share = Annotated[float, Field(ge=0, le=1)]


class Weighing(BaseModel):
    """The questions to a remote source of reputation, and the weight of its answers.

    Who has no answer within `timeout_seconds` passes, or is refused, by `on_failure`. `callers: overseas` asks about
    calls from abroad only, `all` about all that come in on a trunk; never about our own subscribers, nor about who
    withholds their number. An assertion counts if it is one of `assertions`, rated at least `min_rating`, and not with
    a confidence below `min_confidence`.

    At most `in_flight` questions are open at once, over `connections` connections. For `cache_seconds` answers are
    kept, `cache_entries` of them. After `breaker_failures` failures in a row the source is asked nothing for
    `breaker_seconds`; where it says Retry-After, at once and for as long as that, if it is longer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout_seconds: Annotated[float, Field(ge=0.01, le=30)] = 0.3
    on_failure: Literal["allow", "block"] = "allow"
    callers: Literal["overseas", "all"] = "overseas"
    min_rating: Share = 0.5
    min_confidence: Share = 0.0
    assertions: Annotated[tuple[str, ...], Field(min_length=1)] = ASSERTIONS
    in_flight: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    connections: Annotated[int, Field(ge=1, le=10_000)] = 50
    cache_seconds: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    cache_entries: Annotated[int, Field(ge=0, le=1_000_000)] = 10_000
    breaker_failures: Annotated[int, Field(ge=1)] = 5
    breaker_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 10.0

    def source_at(
        self, name: str, url: str, headers: tuple[tuple[str, str], ...] = (), cafile: str | None = None
    ) -> RemoteSource:
        """The source of that name and address, as the policy and the core know it."""
        return RemoteSource(
            name,
            url,
            self.timeout_seconds,
            self.on_failure,
            self.callers,
            self.min_rating,
            self.min_confidence,
            self.assertions,
            headers,
            cafile,
            self.in_flight,
            self.connections,
            self.cache_seconds,
            self.cache_entries,
            self.breaker_failures,
            self.breaker_seconds,
        )


class Reputation(Weighing):
    """One remote source of reputation, asked over HTTP about callers of whom no other rule decides.

    In `url` `{e164}` stands for the number with its plus (as `%2B`), `{digits}` for it without. The answer is JSON
    (RFC 7071; `ringfence schema reputation`). `headers` go with each question; in them and in the url `${NAME}` stands
    for the environment's NAME. `cafile` holds the certificates that an https source is checked by, instead of the
    system's. The other keys say when it is asked, and what its answers count for (see `Weighing`).
    """

    url: Annotated[str, AfterValidator(_url)]
    headers: dict[Annotated[str, AfterValidator(_header_name)], Annotated[str, AfterValidator(_header_value)]] = Field(
        default={}, repr=False
    )
    cafile: Annotated[Path, AfterValidator(_cafile)] | None = None

    def source(self, name: str) -> RemoteSource:
        """The source as the policy and the core know it."""
        return self.source_at(name, self.url, tuple(self.headers.items()), str(self.cafile) if self.cafile else None)

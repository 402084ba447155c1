"""Server-sent events: the whole state first, then what happens, for as long as a page listens."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from simulator.stage.hub import Hub
from simulator.stage.web.bodies import Json

MOST = 100  # pages at a time
_ALIVE = 5.0  # seconds without an event, after which one of no meaning says that the connection stands
_PAUSE, _LONG_PAUSE = 0.04, 0.2  # seconds between two writings, about: what happens meanwhile goes in one
_MUCH = 8  # events in one, after which the pause is long: calls at a rate cost many pages little then
_A_SECOND = 100  # writings to all pages together, about, where much happens: more pages wait longer each
_BEAT = b"event: beat\ndata: {}\n\n"
_AGAIN = b"retry: 1000\n\n"  # milliseconds until a browser that lost the connection comes back


async def events(hub: Hub, request: Request) -> Response:
    """The stream of one page."""
    if hub.followers >= MOST:
        return Json({"error": f"{MOST} pages are open: close one"}, 503, {"Retry-After": "10"})
    del request
    return StreamingResponse(_stream(hub), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _stream(hub: Hub) -> AsyncIterator[bytes]:
    with hub.follow() as follower:
        yield _AGAIN
        while True:
            try:
                async with asyncio.timeout(_ALIVE):
                    texts = await follower.take()
            except TimeoutError:
                yield _BEAT
                continue
            yield b"".join(texts)
            if follower.ended and not len(follower):
                return
            long = max(_LONG_PAUSE, hub.followers / _A_SECOND)
            await asyncio.sleep(_uneven(_PAUSE if len(texts) < _MUCH else long))


def _uneven(pause: float) -> float:
    """A pause about as long: pages that are all written to at the same moment would have calls wait for them."""
    return pause * random.uniform(0.5, 1.5)

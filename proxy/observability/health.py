"""Pages that tell whether the proxy is well, for whoever starts, watches and stops it."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from proxy.core.proxy_core import ProxyCore


class Page(NamedTuple):
    """An answer over HTTP."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


def alive() -> Page:
    """200: whoever gets this is told by a proxy that runs."""
    return Page(HTTPStatus.OK, b"alive\n")


def readiness(core: ProxyCore) -> Page:
    """200 while new calls are taken and the softswitch is there; else 503, and the reason."""
    if core.draining:
        return Page(HTTPStatus.SERVICE_UNAVAILABLE, b"draining\n")
    if not core.watch.up:
        return Page(HTTPStatus.SERVICE_UNAVAILABLE, b"the softswitch is down\n")
    return Page(HTTPStatus.OK, b"ready\n")

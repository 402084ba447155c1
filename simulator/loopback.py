"""Ports on this machine's loopback addresses, for what is told its port before it opens it."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Iterator
from functools import cache

# Below what systems hand out to whoever asks for any port, so that nobody is given one that is meant for somebody else,
# and below Asterisk's media.
_PORTS = range(10_000, 20_000)


def port_or_free(wanted: int, host: str = "127.0.0.1") -> int:
    """The port that is wanted, where neither UDP nor TCP holds it, else another. Raises OSError where there is none."""
    try:
        _probe(host, wanted)
    except OSError:
        return free_port(host)
    return wanted


def free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that neither UDP nor TCP holds now. Raises OSError where there is none."""
    for turn in itertools.islice(_turns(os.getpid()), len(_PORTS)):
        port = _PORTS[turn % len(_PORTS)]
        try:
            _probe(host, port)
        except OSError as error:
            refused = error
        else:
            return port
    raise refused


@cache
def _turns(process: int) -> Iterator[int]:  # noqa: ARG001 - whose they are
    """The turns of a process: each goes round the ports from a place of its own, those that are forked too."""
    return itertools.count(random.SystemRandom().randrange(len(_PORTS)))


def _probe(host: str, port: int) -> None:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind((host, port))

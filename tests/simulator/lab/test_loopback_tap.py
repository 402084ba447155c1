"""A tap on loopback: what looks like RTP is heard once, whoever sends it."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from simulator.addresses import Address
from simulator.lab.loopback_tap import LoopbackTap
from tests.plays.contract_lab import until

SOUND = b"\x80\x00" + b"sound" * 32


@dataclass
class Stage:
    """Two sockets that are not ours, and what is heard of them."""

    ends: tuple[socket.socket, socket.socket]
    heard: list[tuple[float, bytes, Address, Address]] = field(default_factory=list)

    def hear(self, at: float, data: bytes, _transport: str, sender: Address, receiver: Address) -> None:
        if {sender, receiver} <= {end.getsockname() for end in self.ends}:  # others may talk here too
            self.heard.append((at, data, sender, receiver))

    async def hears(self, count: int) -> None:
        await until(lambda: len(self.heard) >= count)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    ends = tuple(socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for end, host in zip(ends, ("127.0.1.1", "127.0.3.1"), strict=True):
        end.bind((host, 0))
    on = Stage((ends[0], ends[1]))
    try:
        tap = LoopbackTap(on.hear)
    except PermissionError:
        pytest.skip("copying packets takes CAP_NET_RAW")
    yield on
    tap.close()
    for end in ends:
        end.close()


async def test_sound_is_heard_once_with_its_ends_and_its_time(stage: Stage) -> None:
    a, b = stage.ends
    before = time.monotonic()
    a.sendto(SOUND, b.getsockname())
    b.sendto(SOUND + b"back", a.getsockname())
    await stage.hears(2)
    assert [each[1:] for each in stage.heard] == [
        (SOUND, a.getsockname(), b.getsockname()),
        (SOUND + b"back", b.getsockname(), a.getsockname()),
    ]
    assert before - 0.01 <= stage.heard[0][0] <= stage.heard[1][0] <= time.monotonic()


@pytest.mark.parametrize("other", [b"INVITE sip:h SIP/2.0\r\n\r\n", b"\r\n\r\n", b"", b"\x40", b"\xff" * 20])
async def test_what_is_no_sound_is_not_heard(stage: Stage, other: bytes) -> None:
    a, b = stage.ends
    a.sendto(other, b.getsockname())
    a.sendto(SOUND, b.getsockname())
    await stage.hears(1)
    assert [each[1] for each in stage.heard] == [SOUND]


async def test_what_comes_before_the_end_is_heard(stage: Stage) -> None:
    late = LoopbackTap(stage.hear)
    stage.ends[0].sendto(SOUND, stage.ends[1].getsockname())
    late.close()
    await stage.hears(2)

"""The switch's sound on real sockets: what is played, recorded, pressed and passed on."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from simulator.media import ports as module
from simulator.media.g711 import Law, encode, load, transcode
from simulator.media.ports import RtpMedia, RtpPort
from simulator.media.recognition import read_wav, tone, tone_seconds, write_wav
from simulator.media.rtp import Packet, parse
from simulator.media.sdp import Stream


class PhoneBeyond:
    """A socket that a port of the switch talks to."""

    def __init__(self, port: RtpPort, law: Law = "PCMU", events: int | None = 101, *, heard: bool = True) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.port = port
        self.payload_type = 0 if law == "PCMU" else 8
        port.direct(Stream(self.socket.getsockname(), self.payload_type, law, events, heard))

    def send(self, *packets: Packet | bytes) -> None:
        for packet in packets:
            self.socket.sendto(bytes(packet), self.port.address)

    async def hear(self, count: int) -> list[Packet]:
        loop = asyncio.get_running_loop()
        heard = [parse(await asyncio.wait_for(loop.sock_recv(self.socket, 2048), 10)) for _ in range(count)]
        return [packet for packet in heard if packet is not None]

    async def hears_nothing_more(self) -> bool:
        """True if what was sent so far has all been heard: the loop of this test carries it at once."""
        try:
            self.socket.recv(2048)
        except BlockingIOError:
            return True
        return False


class MediaLab:
    """Ports and the phones beyond them."""

    def __init__(self) -> None:
        self.media = RtpMedia("127.0.0.1", most=3)
        self.afterwards = 0
        self.media.after = self.count
        self.phones: list[PhoneBeyond] = []

    def count(self) -> None:
        self.afterwards += 1

    def phone(self, law: Law = "PCMU", events: int | None = 101, *, heard: bool = True) -> PhoneBeyond:
        self.phones.append(PhoneBeyond(self.media.open(), law, events, heard=heard))
        return self.phones[-1]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may keep a port from its time for longer than a call would bear."""
    monkeypatch.setattr(module, "_LATE", 4.0)


@pytest.fixture
async def lab() -> AsyncIterator[MediaLab]:
    lab = MediaLab()
    yield lab
    lab.media.close()
    for phone in lab.phones:
        phone.socket.close()


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    """Five packets, the last one not full."""
    write_wav(tmp_path / "prompt.wav", tone(440, 0.09))
    return tmp_path / "prompt.wav"


async def play(phone: PhoneBeyond, wav: Path) -> asyncio.Future[float]:
    done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    phone.port.play(wav, done.set_result)
    return done


@pytest.mark.parametrize("law", ["PCMU", "PCMA"])
async def test_a_file_is_played_once_packet_by_packet(lab: MediaLab, prompt: Path, law: Law) -> None:
    phone = lab.phone(law)
    done = await play(phone, prompt)
    packets = await phone.hear(5)
    await asyncio.wait_for(done, 10)
    assert lab.afterwards == 1
    assert await phone.hears_nothing_more()
    first = packets[0]
    assert [(packet.sequence - first.sequence) % 65536 for packet in packets] == [0, 1, 2, 3, 4]
    assert [(packet.timestamp - first.timestamp) % (1 << 32) for packet in packets] == [0, 160, 320, 480, 640]
    assert [packet.marker for packet in packets] == [True, False, False, False, False]
    assert {(packet.ssrc, packet.payload_type) for packet in packets} == {(first.ssrc, phone.payload_type)}
    assert b"".join(packet.payload for packet in packets)[:720] == load(prompt, law)
    assert all(len(packet.payload) == 160 for packet in packets)


async def test_the_next_file_goes_on_with_the_same_numbers_later(lab: MediaLab, prompt: Path) -> None:
    phone = lab.phone()
    await asyncio.wait_for(await play(phone, prompt), 10)
    await asyncio.wait_for(await play(phone, prompt), 10)
    packets = await phone.hear(10)
    assert (packets[5].sequence - packets[4].sequence) % 65536 == 1
    assert packets[5].marker
    assert packets[5].ssrc == packets[0].ssrc
    assert 0 < (packets[5].timestamp - packets[4].timestamp) % (1 << 32) < 1 << 31


async def test_a_port_that_falls_far_behind_goes_on_from_now(
    lab: MediaLab, prompt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jump = 0.0
    clock = asyncio.get_running_loop()
    monkeypatch.setattr(clock, "time", lambda: time.monotonic() + jump)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.time))
    phone = lab.phone()
    write_wav(prompt, tone(440, 0.4))
    done = await play(phone, prompt)
    packets = await phone.hear(2)
    jump = 5.0  # the event loop stood still
    packets += await phone.hear(18)
    await asyncio.wait_for(done, 10)
    gaps = [b.timestamp - a.timestamp & 0xFFFFFFFF for a, b in pairwise(packets)]
    *usual, jumped = sorted(gaps)  # what was on its way comes before it
    assert usual == [160] * 18
    assert jumped > 30000
    assert [(b.sequence - a.sequence) % 65536 for a, b in pairwise(packets)] == [1] * 19


async def test_what_is_silenced_or_replaced_never_ends(lab: MediaLab, prompt: Path) -> None:
    phone = lab.phone()
    first = await play(phone, prompt)
    second = await play(phone, prompt)
    await asyncio.wait_for(second, 10)
    third = await play(phone, prompt)
    phone.port.silence()
    packets = await phone.hear(5)
    await asyncio.wait_for(await play(phone, prompt), 10)
    assert not first.done()
    assert not third.done()
    assert len(packets) == 5
    assert lab.afterwards == 2


async def test_who_holds_the_line_hears_nothing_and_time_goes_on(lab: MediaLab, prompt: Path) -> None:
    phone = lab.phone(heard=False)
    await asyncio.wait_for(await play(phone, prompt), 10)
    assert await phone.hears_nothing_more()


async def test_a_port_that_was_told_nothing_yet_plays_to_nobody(lab: MediaLab, prompt: Path) -> None:
    port = lab.media.open()
    done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    port.play(prompt, done.set_result)
    await asyncio.wait_for(done, 10)


def sounds(hz: float, packets: int, law: Law = "PCMU", ssrc: int = 7) -> list[Packet]:
    """A tone as a phone would send it."""
    data = encode((tone(hz, packets * 0.02) * 32767).astype(np.int16), law)
    kind = 0 if law == "PCMU" else 8
    return [Packet(kind, n, 160 * n, ssrc, data[160 * n : 160 * n + 160], marker=n == 0) for n in range(packets)]


def key(code: int, timestamp: int = 0, events: int = 101) -> Packet:
    return Packet(events, 900, timestamp, 7, bytes([code, 10, 0, 160]), marker=True)


async def pressed(port: RtpPort) -> asyncio.Queue[str]:
    """The digits that a port hears from now on."""
    keys: asyncio.Queue[str] = asyncio.Queue()
    port.listen(lambda digit, _: keys.put_nowait(digit))
    return keys


@pytest.mark.parametrize("law", ["PCMU", "PCMA"])
async def test_what_is_heard_is_recorded(lab: MediaLab, tmp_path: Path, law: Law) -> None:
    phone = lab.phone(law)
    phone.port.record(tmp_path / "new folder" / "heard.wav", 10.0)
    keys = await pressed(phone.port)
    phone.send(*sounds(440, 20, law), b"no packet", Packet(18, 1, 1, 7, b"other codec"), key(1))
    assert await asyncio.wait_for(keys.get(), 10) == "1"  # so all before it was taken
    phone.port.close()
    samples, rate = read_wav(tmp_path / "new folder" / "heard.wav")
    assert samples.size == 20 * 160
    assert tone_seconds(samples, 440, rate=rate) == pytest.approx(0.4)


async def test_keys_are_heard_once_and_only_while_somebody_listens(lab: MediaLab) -> None:
    phone = lab.phone()
    phone.send(key(1, 100))
    keys = await pressed(phone.port)
    phone.send(key(2, 200), key(2, 200), key(3, 300), key(3, 300, events=102))
    phone.port.listen(None)
    keys = await pressed(phone.port)
    phone.send(key(11, 400))
    heard: list[str] = []
    while not heard or heard[-1] != "#":
        heard.append(await asyncio.wait_for(keys.get(), 10))
    assert heard == ["1", "2", "3", "#"]
    assert lab.afterwards == 4


async def test_strangers_are_not_heard(lab: MediaLab) -> None:
    phone, other = lab.phone(), lab.phone()
    keys = await pressed(phone.port)
    other.socket.sendto(bytes(key(1, 100)), phone.port.address)
    phone.send(key(2, 200))
    assert await asyncio.wait_for(keys.get(), 10) == "2"


async def test_a_key_that_ends_the_call_is_the_last_thing_heard(lab: MediaLab) -> None:
    phone = lab.phone()
    heard: list[str] = []
    ended = asyncio.Event()

    def end(digit: str, _now: float) -> None:
        heard.append(digit)
        phone.port.close()
        ended.set()

    phone.port.listen(end)
    phone.send(key(1, 100), key(2, 200))
    await asyncio.wait_for(ended.wait(), 10)
    await asyncio.sleep(0)
    assert heard == ["1"]


async def test_two_sides_hear_each_other_each_in_its_own_code(lab: MediaLab) -> None:
    near, far = lab.phone("PCMU", events=101), lab.phone("PCMA", events=96)
    near.port.pass_on_to(far.port)
    far.port.pass_on_to(near.port)
    sent = sounds(440, 3)
    near.send(*sent, key(5))
    *sound, event = await far.hear(4)
    assert [(p.payload_type, p.sequence, p.timestamp, p.ssrc, p.marker) for p in sound] == [
        (8, p.sequence, p.timestamp, p.ssrc, p.marker) for p in sent
    ]
    assert b"".join(p.payload for p in sound) != b"".join(p.payload for p in sent)
    assert (event.payload_type, event.payload, event.marker) == (96, key(5).payload, True)
    far.send(*sounds(1000, 1, "PCMA", ssrc=8))
    assert [(p.payload_type, p.ssrc) for p in await near.hear(1)] == [(0, 8)]


async def test_digits_are_not_sent_to_whom_they_mean_nothing(lab: MediaLab) -> None:
    near, far = lab.phone(), lab.phone(events=None)
    near.port.pass_on_to(far.port)
    near.send(key(5), *sounds(440, 1))
    assert [packet.payload_type for packet in await far.hear(1)] == [0]


async def test_one_side_may_be_gone_before_the_other(lab: MediaLab) -> None:
    near, far = lab.phone(), lab.phone()
    near.port.pass_on_to(far.port)
    far.port.close()
    keys = await pressed(near.port)
    near.send(*sounds(440, 1), key(5))
    assert await asyncio.wait_for(keys.get(), 10) == "5"


async def test_ports_are_few_and_all_come_back(lab: MediaLab) -> None:
    ports = [lab.media.open() for _ in range(3)]
    with pytest.raises(OSError, match="3 ports"):
        lab.media.open()
    for port in ports[:2]:
        port.close()
        port.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.bind(port.address)
    assert lab.media.ports == {ports[2]}
    lab.media.close()
    assert lab.media.ports == set()


async def test_a_closed_port_plays_no_more_and_tells_nobody(lab: MediaLab, prompt: Path) -> None:
    phone, other = lab.phone(), lab.phone()
    done = await play(phone, prompt)
    phone.port.close()
    await asyncio.wait_for(await play(other, prompt), 10)
    assert not done.done()


async def test_a_recording_that_cannot_be_made_is_a_problem_and_not_the_end(lab: MediaLab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for _ in range(2):
        phone = lab.phone()
        phone.port.record(tmp_path / "file" / "x.wav", 10.0)
        phone.send(*sounds(440, 1))
        phone.port.close()
    assert len(lab.media.problems) == 1
    assert "could not be made" in lab.media.problems[0]


async def test_a_full_disk_ends_the_recording_and_not_the_call(lab: MediaLab) -> None:
    phone = lab.phone()
    phone.port.record(Path("/dev/full"), 1000.0)
    keys = await pressed(phone.port)
    for n in range(20):  # more than what is kept back before it is written
        phone.send(*sounds(440, 20, ssrc=n), key(1, n))
        assert await asyncio.wait_for(keys.get(), 10) == "1"
    phone.port.close()
    assert [problem.partition(":")[0] for problem in lab.media.problems] == [
        "a recording is not complete",
        "a recording could not be finished",
    ]


async def test_what_comes_in_is_heard_as_it_comes_and_no_longer_than_wanted(lab: MediaLab) -> None:
    phone = lab.phone("PCMA")
    heard: asyncio.Queue[tuple[bytes, Law]] = asyncio.Queue()
    phone.port.hear(lambda sound, law: heard.put_nowait((sound, law)))
    sent = sounds(440, 2, "PCMA")
    phone.send(*sent)
    assert [await asyncio.wait_for(heard.get(), 10) for _ in sent] == [(packet.payload, "PCMA") for packet in sent]
    phone.port.hear(None)
    keys = await pressed(phone.port)
    phone.send(*sent, key(5))
    assert await asyncio.wait_for(keys.get(), 10) == "5"
    assert heard.empty()


async def test_what_is_said_is_sent_at_once_and_follows_without_a_gap(lab: MediaLab) -> None:
    phone = lab.phone("PCMA")
    for packet in sounds(440, 3):
        phone.port.speak(packet.payload, "PCMU")
    packets = await phone.hear(3)
    assert [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(packets)] == [160, 160]
    assert [(b.sequence - a.sequence) % 65536 for a, b in pairwise(packets)] == [1, 1]
    assert [(packet.payload_type, packet.marker) for packet in packets] == [(8, True), (8, False), (8, False)]
    assert packets[0].payload == transcode(sounds(440, 1)[0].payload, "PCMU", "PCMA")


async def test_who_speaks_after_a_silence_speaks_now(lab: MediaLab, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    phone = lab.phone()
    phone.port.speak(bytes(160), "PCMU")
    now += 9.0
    phone.port.speak(bytes(160), "PCMU")
    first, second = await phone.hear(2)
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 9 * 8000
    assert second.marker


async def test_nobody_speaks_into_what_is_played(lab: MediaLab, prompt: Path) -> None:
    phone = lab.phone()
    done = await play(phone, prompt)
    phone.port.speak(bytes(160), "PCMU")
    await asyncio.wait_for(done, 10)
    packets = await phone.hear(5)
    assert bytes(160) not in [packet.payload for packet in packets]
    assert await phone.hears_nothing_more()


async def test_keys_are_pressed_one_after_another(lab: MediaLab) -> None:
    phone, far = lab.phone(events=96), lab.phone(events=96)
    keys = await pressed(far.port)
    far.socket.close()
    far.port.direct(Stream(phone.port.address, 0, "PCMU", 96))
    phone.port.direct(Stream(far.port.address, 0, "PCMU", 96))
    assert phone.port.press("15#")
    assert [await asyncio.wait_for(keys.get(), 10) for _ in range(3)] == ["1", "5", "#"]


async def test_keys_are_not_pressed_where_they_mean_nothing(lab: MediaLab) -> None:
    phone = lab.phone(events=None)
    assert not phone.port.press("1")
    assert not lab.media.open().press("1")
    with pytest.raises(ValueError, match="substring"):
        phone.port.press("x")


async def test_a_port_is_not_opened_once_all_were_closed_as_nobody_would_close_it() -> None:
    media = RtpMedia("127.0.0.1")
    media.after = lambda: None
    media.open()
    media.close()
    with pytest.raises(OSError, match="there is no sound any more"):
        media.open()
    assert not media.ports

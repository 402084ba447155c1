"""Recording messages: what is heard once, what is kept of it, and what a full disk does."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from proxy.observability.message_log import message_line
from simulator.agents.tap import Tap
from simulator.results.events import PassEnded, Tick
from simulator.results.message_recorder import PROXYS, MessageRecorder
from simulator.results.messages import MESSAGES, Mode, Recorded, read_messages
from tests.plays.small_disk import small_disk

CALLER, PROXY, SWITCH, PHONE = (("127.0.0.1", port) for port in (5061, 5060, 5080, 5062))


def sip(call_id: str, more: str = "") -> bytes:
    return f"INVITE sip:h SIP/2.0\r\nCall-ID: {call_id}\r\n{more}CSeq: 1 INVITE\r\n\r\n".encode()


def tapped(recorder: MessageRecorder, *, proxied: bool = True) -> Tap:
    hear = recorder.hearing(proxied=proxied)
    assert hear is not None
    tap = Tap(hear)
    for address in (CALLER, SWITCH):
        tap.put_on(address)
    return tap


def kept(folder: Path) -> list[tuple[str | None, bool]]:
    return [(message.call_id, message.proxied) for message in read_messages(folder / MESSAGES)]


def two_calls(tap: Tap) -> None:
    for number, call in enumerate(("good", "bad")):
        tap.sent(number + 0.1, sip(call), CALLER, PROXY)
        tap.received(number + 0.2, sip(call), PROXY, SWITCH)
        tap.sent(number + 0.3, sip(f"{call}'s leg", f"X-Ringfence-Call: {call}\r\n"), SWITCH, PROXY)
        tap.received(number + 0.4, sip(f"{call}'s leg"), PROXY, SWITCH)
    tap.sent(3.0, sip("registration"), CALLER, PROXY)


def test_what_two_tapped_sockets_tell_each_other_is_heard_once() -> None:
    heard = []
    tap = Tap(lambda at, *_: heard.append(at))
    for address in (CALLER, SWITCH):
        tap.put_on(address)
    tap.sent(1.0, b"INVITE", CALLER, SWITCH)
    tap.received(1.1, b"INVITE", CALLER, SWITCH)
    tap.received(2.0, b"INVITE", PROXY, CALLER)
    tap.sent(3.0, b"\r\n\r\n", CALLER, PROXY)
    tap.received(4.0, b"\r\n", PROXY, CALLER)
    assert heard == [1.0, 2.0]


def test_all_messages_are_kept_where_all_are_wanted(tmp_path: Path) -> None:
    recorder = MessageRecorder(tmp_path, "all")
    two_calls(tapped(recorder))
    tapped(recorder, proxied=False).sent(5.0, sip("good"), CALLER, SWITCH)
    assert recorder.settle({"bad"}) == Recorded("all", kept=10)
    assert kept(tmp_path)[-2:] == [("registration", True), ("good", False)]


def test_messages_are_in_order_of_time_though_some_are_heard_late(tmp_path: Path) -> None:
    recorder = MessageRecorder(tmp_path, "all")
    tap = tapped(recorder)
    moments = [1.0, 4.0, 2.0, 3.0, 6.0, 5.0]
    for at in moments:
        tap.sent(at, sip("call"), CALLER, PROXY)
    recorder.settle(None)
    assert [message.at for message in read_messages(tmp_path / MESSAGES)] == sorted(moments)


def test_of_failed_calls_all_legs_are_kept_and_of_others_nothing(tmp_path: Path) -> None:
    recorder = MessageRecorder(tmp_path, "failed")
    two_calls(tapped(recorder))
    assert recorder.hearing(proxied=False) is None
    assert recorder.settle({"bad"}) == Recorded("failed", kept=4, dropped=5)
    assert [call for call, _ in kept(tmp_path)] == ["bad", "bad", "bad's leg", "bad's leg"]
    assert [path.name for path in tmp_path.iterdir()] == [MESSAGES]


def test_where_no_call_failed_no_file_is_left(tmp_path: Path) -> None:
    recorder = MessageRecorder(tmp_path, "failed")
    two_calls(tapped(recorder))
    assert recorder.settle(()) == Recorded("failed", dropped=9)
    assert list(tmp_path.iterdir()) == []


def test_of_a_run_that_broke_off_everything_is_kept(tmp_path: Path) -> None:
    recorder = MessageRecorder(tmp_path, "failed")
    two_calls(tapped(recorder))
    assert recorder.settle(None) == Recorded("failed", kept=9)


def test_nothing_is_recorded_where_nothing_is_wanted(tmp_path: Path) -> None:
    recorder = MessageRecorder(tmp_path, "never")
    assert recorder.hearing(proxied=True) is recorder.hearing(proxied=False) is None
    assert recorder.settle({"bad"}) == Recorded("never")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", [Tick(9.0, 0), PassEnded(9.0, True, 0)])
def test_what_was_heard_is_on_disk_a_tick_later(end: Tick | PassEnded, tmp_path: Path) -> None:
    recorder = MessageRecorder(tmp_path, "failed")
    two_calls(tapped(recorder))
    recorder.hear(end)
    assert len(kept(tmp_path)) == 9


@pytest.mark.parametrize(("mode", "calls"), [("all", ["1", "2", "3", "4"]), ("failed", ["2", "3"])])
def test_what_the_proxy_alone_saw_is_put_in_by_time(mode: Mode, calls: list[str], tmp_path: Path) -> None:
    recorder = MessageRecorder(tmp_path, mode)
    tap = tapped(recorder)
    for at, call in ((1.0, "1"), (3.0, "3")):
        tap.sent(at, sip(call), CALLER, PROXY)
    proxys = [message_line(at, 1e9 + at, sip(call), "tls", PHONE, PROXY) for at, call in ((2.0, "2"), (4.0, "4"))]
    (tmp_path / PROXYS).write_text("\n".join(proxys) + '\n{"timestamp":"cut o')
    recorded = recorder.settle({"2", "3"})
    assert (recorded.kept, recorded.dropped) == (len(calls), 4 - len(calls))
    assert [call for call, _ in kept(tmp_path)] == calls
    assert [path.name for path in tmp_path.iterdir()] == [MESSAGES]


def test_what_the_proxy_had_no_room_for_stops_nothing(tmp_path: Path) -> None:
    recorder = MessageRecorder(tmp_path, "all")
    line = message_line(2.0, 1e9, sip("2"), "tls", PHONE, PROXY)
    (tmp_path / PROXYS).write_text(f"{line[:40]}\n{line}\n")
    assert recorder.settle(None) == Recorded("all", kept=1)


def test_a_full_disk_costs_messages_and_nothing_else(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        recorder = MessageRecorder(disk.folder, "all")
        disk.limit(os.getpid())
        tap = tapped(recorder)
        for number in range(1000):
            tap.sent(number / 1e3, sip(str(number), "Subject: what takes room\r\n"), CALLER, PROXY)
            if number % 10 == 0:
                recorder.hear(Tick(number / 1e3, 0))
        recorded = recorder.settle(None)
        assert recorded.kept + recorded.lost == 1000
        assert recorded.lost > 0
        assert recorded.why.startswith(f"{MESSAGES}: ")
        assert [call for call, _ in kept(disk.folder)] == [str(number) for number in range(recorded.kept)]


def test_a_disk_that_fails_amid_a_line_leaves_whole_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, room = os.write, [None, 30]  # bytes that find room in the writings to come, None: all

    def write(file: int, data: memoryview) -> int:
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, data[: room.pop(0)])

    monkeypatch.setattr(os, "write", write)
    recorder = MessageRecorder(tmp_path, "all")
    tap = tapped(recorder)
    for number in range(3):
        tap.sent(number, sip(str(number)), CALLER, PROXY)
        recorder.hear(Tick(number, 0))
    assert recorder.settle(None) == Recorded("all", kept=1, lost=2, why=f"{MESSAGES}: No space left on device")
    assert kept(tmp_path) == [("0", True)]


def test_what_was_recorded_so_far_can_be_copied_and_recording_goes_on(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "run").mkdir()
    recorder = MessageRecorder(tmp_path / "lab", "all")
    tap = tapped(recorder)
    tap.sent(1.0, sip("first"), CALLER, PROXY)
    line = message_line(2.0, 1002.0, sip("seen by the proxy"), "udp", PROXY, PHONE)
    (tmp_path / "lab" / PROXYS).write_text(f"{line}\n")
    recorder.flush()
    copied = recorder.copy_to(tmp_path / "run")
    assert kept(tmp_path / "run") == [("first", True), ("seen by the proxy", True)]
    assert (copied.mode, copied.kept) == ("all", 2)
    assert not (tmp_path / "run" / PROXYS).exists()
    tap.sent(3.0, sip("second"), CALLER, PROXY)
    assert recorder.settle(None).kept == 3

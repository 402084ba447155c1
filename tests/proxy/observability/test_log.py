"""Lines are written by a thread: nobody who has one to write waits, whatever becomes of the reader."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from structlog.testing import capture_logs

from proxy.core.events import Answered, Ended, Event, PeerNoticed, Shadowed, Unanswered, hears
from proxy.observability import log as log_module
from proxy.observability.log import EventLog, LineWriter, RecordLog
from proxy.sip.flow import Flow
from tests.plays import forked
from tests.plays.small_disk import small_disk

SLOW = "nobody takes them as fast as they come"
ROOM = log_module._HELD
Pipe = tuple[int, int]  # its reading and its writing end


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Its reading and its writing end; the writer closes the latter."""
    reading, writing = os.pipe()
    yield reading, writing
    with suppress(OSError):
        os.close(reading)


def read_all(fd: int) -> bytes:
    with open(fd, "rb", closefd=False) as file:
        return file.read()


def test_lines_come_out_in_order_and_none_is_missing(pipe: Pipe) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, "pipe")
    for number in range(1000):
        writer.write(f"line {number}")
    writer.close()
    assert read_all(reading).decode().splitlines() == [f"line {number}" for number in range(1000)]
    assert writer.lost == 0


def test_lines_that_are_made_later_stand_among_the_others_and_a_fault_in_one_costs_no_other(pipe: Pipe) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, "pipe")
    with capture_logs() as logs:
        for number in range(100):
            writer.write(f"line {number}")
            writer.write_later("made {}".format, number)
        writer.write_later("{:d}".format, "no number")
        writer.write("last")
        writer.close()
    pairs = [line for number in range(100) for line in (f"line {number}", f"made {number}")]
    assert read_all(reading).decode().splitlines() == [*pairs, '{"event":"internal_error"}', "last"]
    assert [entry["event"] for entry in logs] == ["internal_error"]
    assert writer.lost == 0


def test_what_nobody_takes_is_lost_before_it_is_made(pipe: Pipe) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, "pipe")
    with capture_logs():
        for _ in range(20_000):
            writer.write_later("x".ljust, 1000)
        assert writer.lost > 20_000 - 2 * ROOM / 800
        os.close(reading)
        writer.close()
    assert writer.lost == 20_000


def test_every_event_that_leaves_a_record_is_heard(pipe: Pipe) -> None:
    with closing(LineWriter(pipe[1], "pipe")) as writer:
        records = RecordLog(writer)
        assert [kind for kind in get_args(Event) if hears(records, kind)] == [Shadowed, Answered, Unanswered, Ended]


def test_a_line_is_written_before_the_end(pipe: Pipe) -> None:
    reading, writing = pipe
    with closing(LineWriter(writing, "pipe")) as writer:
        writer.write("ready")
        assert os.read(reading, 100) == b"ready\n"  # waits for it
        writer.write("one more")
        assert os.read(reading, 100) == b"one more\n"


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_takes_no_more_than_its_share(pipe: Pipe) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, "pipe")
    line, count = "x" * 1000, 20_000
    for _ in range(count):
        writer.write(line)
    assert writer._held <= ROOM + len(line)
    assert writer.lost >= count - (ROOM + len(line)) / len(line) - 2 * 65
    writer.close(0.01)
    assert writer.lost == count  # nobody can say how much of what was being written arrived
    with capture_logs():
        os.close(reading)
        writer._thread.join()  # its write ends at last
    assert writer.lost == count


def test_what_was_lost_of_the_log_is_said_once_there_is_a_reader_again(pipe: Pipe) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, "stderr", is_log=True)
    with capture_logs() as logs:
        for _ in range(20_000):
            writer.write("x" * 1000)
        lost = writer.lost
        assert lost > 0
        seen = b""
        while seen.count(b"\n") < 20_000 - lost:
            seen += os.read(reading, 1 << 20)
        writer.close()
    assert writer.lost == lost
    assert set(seen.splitlines()) == {b"x" * 1000}
    assert logs == [{"event": "lines_lost", "log_level": "error", "file": "stderr", "lost": lost, "detail": SLOW}]


def test_that_records_are_lost_to_a_reader_who_sleeps_is_said_at_once_and_the_rest_in_the_end(
    pipe: Pipe,
) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, "pipe")
    with capture_logs() as logs:
        for _ in range(20_000):
            writer.write("x" * 1000)
        lost = writer.lost
        assert [(entry["event"], entry["lost"], entry["detail"]) for entry in logs] == [("lines_lost", 1, SLOW)]
        os.close(reading)
        writer.close()
    assert lost < writer.lost == logs[-1]["lost"] <= 20_000


def test_a_reader_that_went_away_costs_lines_and_nothing_else(pipe: Pipe) -> None:
    reading, writing = pipe
    os.close(reading)
    writer = LineWriter(writing, "pipe")
    for number in range(10):
        writer.write(f"{number}")
    writer.close()
    assert writer.lost == 10


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    writer = LineWriter.append_to(Path("/dev/full"))
    for number in range(10):
        writer.write(f"{number}")
    writer.close()
    assert writer.lost == 10


def test_half_a_line_does_not_spoil_the_next(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk may fill up in the middle of a line."""
    reading, writing = pipe
    real_write, room = os.write, [5, 0]

    def write(fd: int, data: memoryview) -> int:
        if not room:
            return real_write(fd, data)
        if (some := room.pop(0)) == 0:
            raise OSError(28, "no space")
        return real_write(fd, data[:some])

    monkeypatch.setattr(os, "write", write)
    writer = LineWriter(writing, "disk")
    with capture_logs() as logs:
        writer.write("first line")
        assert os.read(reading, 100) == b"first"
        writer.write("second line")
        writer.close()
    assert read_all(reading) == b"\nsecond line\n"
    assert writer.lost == 1
    assert [(entry["event"], entry["lost"]) for entry in logs] == [("lines_lost", 1), ("lines_written_again", 1)]


def until(happened: Callable[[], object]) -> None:
    """Wait for what another thread does."""
    for _ in range(2000):
        if happened():
            return
        time.sleep(0.005)
    pytest.fail("it never happened")


def test_a_disk_that_is_full_is_told_of_at_once_and_no_line_in_it_is_half(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, capture_logs() as logs:
        disk.limit(os.getpid())
        path = disk.folder / "calls.jsonl"
        counters: Counter[str] = Counter()
        writer = LineWriter.append_to(path)
        writer.count_in(counters)
        lines = [json.dumps({"call": number, "what": "x" * 90}) for number in range(2000)]
        for line in lines[:1000]:
            writer.write(line)
        until(lambda: logs)
        until(lambda: not writer._held)
        assert (logs[0]["event"], logs[0]["log_level"]) == ("lines_lost", "error")
        assert logs[0]["detail"] in ("no space left on device", "file too large")
        kept = path.read_text().splitlines()
        assert kept == lines[: len(kept)]
        assert counters["records_lost"] == writer.lost == 1000 - len(kept) > 0
        disk.make_room()
        for line in lines[1000:]:
            writer.write(line)
        writer.close()
        assert path.read_text().splitlines() == kept + lines[1000:]
        assert (logs[-1]["event"], logs[-1]["lost"]) == ("lines_written_again", writer.lost)


def test_a_log_on_a_full_disk_is_told_of_when_there_is_room_in_it_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        disk.limit(os.getpid())
        path = disk.folder / "log"
        writer = LineWriter(os.open(path, os.O_WRONLY | os.O_CREAT), "stderr", is_log=True)  # as a shell's 2> opens it
        with capture_logs() as logs:
            for _ in range(1000):
                writer.write("x" * 99)
            until(lambda: not writer._held)
            assert logs == []
            lost = writer.lost
            disk.make_room()
            writer.write("room")
            writer.close()
        assert path.read_text().splitlines() == ["x" * 99] * (1000 - lost) + ["room"]
        assert [(entry["event"], entry["lost"]) for entry in logs] == [
            ("lines_lost", lost),
            ("lines_written_again", lost),
        ]


def test_half_a_record_that_an_earlier_process_left_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text('{"a": 1}\n{"b": ')
    with capture_logs() as logs, closing(LineWriter.append_to(path)) as writer:
        writer.write('{"c": 3}')
    assert path.read_text() == '{"a": 1}\n{"c": 3}\n'
    assert [(entry["event"], entry["bytes"]) for entry in logs] == [("half_line_cut", 6)]


@pytest.mark.parametrize("left", ['{"a": 1}', "notes of somebody else", '{"a": 1}\n12'])
def test_what_is_no_half_record_is_left_and_gets_its_end(tmp_path: Path, left: str) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text(left)
    with closing(LineWriter.append_to(path)) as writer:
        writer.write('{"c": 3}')
    assert path.read_text() == left + '\n{"c": 3}\n'


def test_what_others_append_to_the_file_is_never_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "calls.jsonl"
    real_write, room = os.write, [5, 0]

    def write(fd: int, data: memoryview) -> int:
        if room and (some := room.pop(0)):
            real_write(fd, data[:some])
            with path.open("a") as other:
                other.write("theirs\n")
            return some
        monkeypatch.setattr(os, "write", real_write)
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "write", write)
    with capture_logs() as logs, closing(LineWriter.append_to(path)) as writer:
        writer.write("first line")
        until(lambda: logs)
        writer.write("second line")
    assert path.read_text().split() == ["firsttheirs", "second", "line"]


def test_a_pipe_that_must_not_be_waited_for_is_waited_for_all_the_same(pipe: Pipe) -> None:
    reading, writing = pipe
    os.set_blocking(writing, False)
    writer = LineWriter(writing, "pipe")
    writer.write("x" * 200_000)  # more than it takes at once
    seen = b""
    while not seen.endswith(b"\n"):
        seen += os.read(reading, 1 << 20)
    writer.close()
    assert seen == b"x" * 200_000 + b"\n"
    assert writer.lost == 0


def test_a_named_pipe_without_reader_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "calls")
    with pytest.raises(OSError, match="calls"):
        LineWriter.append_to(tmp_path / "calls")


def test_records_are_appended_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text("old\n")
    with closing(LineWriter.append_to(path)) as writer:
        writer.write("\u00e9 new")
    assert path.read_text() == "old\n? new\n"


def test_times_are_utc_and_end_in_z() -> None:
    program = (
        "import structlog; from proxy.observability import log; "
        "w = log.configure(); structlog.get_logger().info('x'); w.close()"
    )
    ended = forked.run([sys.executable, "-c", program], env={**os.environ, "TZ": "Asia/Tokyo"})
    stamp = json.loads(ended.stderr)["timestamp"]
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{6})?Z", stamp)
    assert abs(datetime.fromisoformat(stamp) - datetime.now(UTC)) < timedelta(minutes=1)


PEER, OTHER = Flow("udp", "192.0.2.66", 5060, 0), Flow("tcp", "192.0.2.67", 40000, 1)


def test_the_first_of_a_kind_is_told_at_once_and_the_rest_counted_every_ten_seconds() -> None:
    listener = EventLog(PEER, lambda *_: None)
    listener(PeerNoticed("unknown_source", PEER))
    with capture_logs() as logs:
        listener.write_due(100.0)
        for peer in (OTHER, *[PEER] * 699):
            listener(PeerNoticed("unknown_source", peer))
        listener.write_due(109.0)
        listener(PeerNoticed("softswitch_unreachable", PEER))  # another kind need not wait
        listener.write_due(109.5)
        listener.write_due(110.0)
        listener.write_due(200.0)
    assert [(entry["event"], entry["count"], entry["peer"]) for entry in logs] == [
        ("unknown_source", 1, "udp:192.0.2.66:5060"),
        ("softswitch_unreachable", 1, "udp:192.0.2.66:5060"),
        ("unknown_source", 700, "tcp:192.0.2.67:40000"),
    ]
    assert {entry["log_level"] for entry in logs} == {"warning"}
    assert json.dumps(logs)

"""Lines are written by a thread: nobody who has one to write waits, whatever becomes of the reader."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE

import pytest
from structlog.testing import capture_logs

from proxy import log as log_module
from proxy.log import LineWriter, Notices
from proxy.sip.flow import Flow

ROOM = log_module._HELD


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Its reading and its writing end; the writer closes the latter."""
    reading, writing = os.pipe()
    yield reading, writing
    with suppress(OSError):
        os.close(reading)


def read_all(fd: int) -> bytes:
    with open(fd, "rb", closefd=False) as file:
        return file.read()


def test_lines_come_out_in_order_and_none_is_missing(pipe):
    reading, writing = pipe
    writer = LineWriter(writing, "pipe")
    for number in range(1000):
        writer.write(f"line {number}")
    writer.close()
    assert read_all(reading).decode().splitlines() == [f"line {number}" for number in range(1000)]
    assert writer.lost == 0


def test_a_line_is_written_before_the_end(pipe):
    reading, writing = pipe
    with closing(LineWriter(writing, "pipe")) as writer:
        writer.write("ready")
        assert os.read(reading, 100) == b"ready\n"  # waits for it
        writer.write("one more")
        assert os.read(reading, 100) == b"one more\n"


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_takes_no_more_than_its_share(pipe):
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


def test_what_was_lost_is_said_once_there_is_a_reader_again(pipe):
    reading, writing = pipe
    writer = LineWriter(writing, "pipe")
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
    assert logs == [{"event": "lines_lost", "log_level": "warning", "file": "pipe", "lost": lost}]


def test_a_reader_that_went_away_costs_lines_and_nothing_else(pipe):
    reading, writing = pipe
    os.close(reading)
    writer = LineWriter(writing, "pipe")
    for number in range(10):
        writer.write(f"{number}")
    writer.close()
    assert writer.lost == 10


def test_a_full_disk_costs_lines_and_nothing_else():
    writer = LineWriter.append_to(Path("/dev/full"))
    for number in range(10):
        writer.write(f"{number}")
    writer.close()
    assert writer.lost == 10


def test_half_a_line_does_not_spoil_the_next(pipe, monkeypatch):
    """A disk may fill up in the middle of a line."""
    reading, writing = pipe
    real_write, room = os.write, [5, 0]

    def write(fd: int, data: memoryview) -> int:
        if not room:
            return real_write(fd, data)
        if (some := room.pop(0)) == 0:
            raise OSError(28, "no space")
        return real_write(fd, data[:some])

    monkeypatch.setattr(log_module.os, "write", write)
    writer = LineWriter(writing, "disk")
    with capture_logs() as logs:
        writer.write("first line")
        assert os.read(reading, 100) == b"first"
        writer.write("second line")
        writer.close()
    assert read_all(reading) == b"\nsecond line\n"
    assert writer.lost == 1
    assert [entry["lost"] for entry in logs] == [1]


def test_a_pipe_that_must_not_be_waited_for_is_waited_for_all_the_same(pipe):
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


def test_a_named_pipe_without_reader_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "calls")
    with pytest.raises(OSError, match="calls"):
        LineWriter.append_to(tmp_path / "calls")


def test_records_are_appended_to_what_is_there(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_text("old\n")
    with closing(LineWriter.append_to(path)) as writer:
        writer.write("\u00e9 new")
    assert path.read_text() == "old\n? new\n"


def test_times_are_utc_and_end_in_z():
    program = (
        "import structlog; from proxy import log; w = log.configure(); structlog.get_logger().info('x'); w.close()"
    )
    ended = subprocess.run([sys.executable, "-c", program], env={**os.environ, "TZ": "Asia/Tokyo"}, stderr=PIPE)
    stamp = json.loads(ended.stderr)["timestamp"]
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{6})?Z", stamp)
    assert abs(datetime.fromisoformat(stamp) - datetime.now(UTC)) < timedelta(minutes=1)


PEER, OTHER = Flow("udp", "192.0.2.66", 5060, 0), Flow("tcp", "192.0.2.67", 40000, 1)


def test_the_first_of_a_kind_is_told_at_once_and_the_rest_counted_every_ten_seconds():
    notices = Notices()
    noticed = {"unknown_source": (1, PEER)}
    with capture_logs() as logs:
        notices.write_due(noticed, 100.0)
        noticed["unknown_source"] = (700, OTHER)
        notices.write_due(noticed, 109.0)
        noticed["softswitch_unreachable"] = (1, PEER)  # another kind need not wait
        notices.write_due(noticed, 109.5)
        notices.write_due(noticed, 110.0)
        notices.write_due(noticed, 200.0)
    assert [(entry["event"], entry["count"], entry["peer"]) for entry in logs] == [
        ("unknown_source", 1, "udp:192.0.2.66:5060"),
        ("softswitch_unreachable", 1, "udp:192.0.2.66:5060"),
        ("unknown_source", 700, "tcp:192.0.2.67:40000"),
    ]
    assert {entry["log_level"] for entry in logs} == {"warning"}
    assert json.dumps(logs)

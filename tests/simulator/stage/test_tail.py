"""A file of lines that another process writes is followed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.stage.tail import Tail, followed


def test_whole_lines_are_heard_once_and_half_ones_when_they_are_whole(tmp_path: Path) -> None:
    heard: list[Any] = []
    path = tmp_path / "lines.jsonl"
    tail = Tail(path, heard.append)
    tail.look()  # there is no file yet
    path.write_text('{"a": 1}\n{"b"')
    tail.look()
    tail.look()
    assert heard == [{"a": 1}]
    with path.open("a") as file:
        file.write(': 2}\n[3]\nno JSON\n{"c": "\\ud83d"}\n')
    tail.look()
    assert heard == [{"a": 1}, {"b": 2}, {"c": "\ud83d"}]


async def test_what_is_left_at_the_end_is_heard(tmp_path: Path) -> None:
    heard: list[Any] = []
    path = tmp_path / "lines.jsonl"
    other = tmp_path / "others.jsonl"
    async with followed(Tail(path, heard.append), Tail(other, heard.append)):
        path.write_text('{"last": true}\n')
        other.write_text('{"least": true}\n')
    assert heard == [{"last": True}, {"least": True}]

"""A file of lines that another process writes is followed."""

from __future__ import annotations

import asyncio
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


async def test_a_line_that_nobody_can_make_sense_of_stops_neither_its_file_nor_another(tmp_path: Path) -> None:
    heard: list[Any] = []
    wrong: list[type] = []
    stumbled, both = asyncio.Event(), asyncio.Event()

    def hear(line: dict[str, Any]) -> None:
        heard.append(line["last"])
        if len(heard) == 2:
            both.set()

    def fails(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        wrong.append(type(context["exception"]))
        stumbled.set()

    asyncio.get_running_loop().set_exception_handler(fails)
    path, other = tmp_path / "lines.jsonl", tmp_path / "others.jsonl"
    path.write_text("{}\n")
    async with asyncio.timeout(10), followed(Tail(path, hear), Tail(other, hear)):
        await stumbled.wait()
        path.write_text('{}\n{"last": 1}\n')
        other.write_text('{"last": 2}\n')
        await both.wait()
    assert (sorted(heard), wrong) == ([1, 2], [KeyError])

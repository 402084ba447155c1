"""Failures of a run as continuous integration wants them: each with the file and line that expected something else."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from proxy.files.yaml_file import FileErrors
from simulator.judging.failure_kinds import FailureKind, proxys_reason
from simulator.judging.result import Result
from simulator.report import ladder
from simulator.scenario.places import lines_of_calls
from simulator.wording import counted


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that went wrong: the line, from 1, of `file` that expected something else, what it is called, and why.

    `call` is the id of the first call that it is about, or empty.
    """

    file: str
    line: int
    title: str
    why: str
    details: tuple[str, ...] = ()
    call: str = ""


class Places:
    """The file of a scenario, as seen from the folder where the command runs, and the lines in it."""

    def __init__(self, result: Result) -> None:
        self.file = shown(result.source)
        self._lines: dict[str, int] = {}
        with suppress(OSError, UnicodeDecodeError, yaml.YAMLError):  # it may have been moved or changed meanwhile
            self._lines = lines_of_calls(result.source)

    def of(self, *names: str) -> int:
        """The line of the first of these that the file has; 1 where it has none."""
        return next((self._lines[name] for name in names if name in self._lines), self._lines.get("[records]", 1))

    def of_threshold(self, figure: str) -> int:
        """The line of what the file asks of a figure."""
        return self.of(f"[thresholds] {figure}", "[thresholds]")


def shown(path: Path) -> str:
    """A path as from the folder where the command runs, if it is below it; with slashes."""
    absolute, here = path.resolve(), Path.cwd()
    return (absolute.relative_to(here) if absolute.is_relative_to(here) else path).as_posix()


def failures(result: Result) -> Iterator[Failure]:
    """All that went wrong in a scenario: invalidity, calls alike once, and missed thresholds."""
    places = Places(result)
    if result.interrupted:
        yield Failure(
            places.file, 1, result.name, f"interrupted; {counted(result.unfinished, 'call')} not played to their end"
        )
    for why in result.invalid_because:
        yield Failure(places.file, 1, f"{result.name}: {'invalid' if result.set_up else 'not set up'}", why)
    for kind in result.wrong_kinds:
        calls = counted(len(kind.calls), "call")
        line = places.of(kind.name)
        yield Failure(
            places.file, line, f"{result.name}: {kind.name}", f"{calls}: {kind.why}", (_did(kind),), kind.example.id
        )
    for held in result.missed:
        word = "undecided" if held.undecided else "missed"
        line = places.of_threshold(held.threshold.figure)
        first = next((kind.example for kind in result.mistake_kinds), None)
        yield Failure(places.file, line, f"{result.name}: threshold {word}", str(held), call=first.id if first else "")


def _did(kind: FailureKind) -> str:
    call = kind.example
    return f"the proxy on {call.id} from {call.planned.caller} to {call.planned.callee}: {proxys_reason(call)}"


def ladders(result: Result, calls: Collection[str]) -> dict[str, str]:
    """The ladders of these calls as text, as far as their messages were recorded and can be read."""
    with suppress(OSError, FileErrors, ValueError):
        drawn = ladder.ladders_of(result.folder, calls)
        return {name: "\n".join(ladder.text(each)) for name, each in drawn.items() if each.steps}
    return {}

"""The calls that a load is made of: those of a scenario, again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from proxy.files.yaml_file import FileError, FileErrors
from simulator.scenario.model import Scenario, load_scenarios
from simulator.traffic.call_records import Reading, unreadable
from simulator.traffic.plan import in_order, populated
from simulator.traffic.planned_call import PlannedCall
from simulator.traffic.selection import compile_expression
from simulator.wording import counted

MOST = 50_000  # different calls; a day's traffic of a town has millions


class Traffic(NamedTuple):
    """A scenario with its subscribers and the file that it is in, the calls to place in rounds, and notes of what is
    not in them."""

    scenario: Scenario
    source: Path
    calls: Sequence[PlannedCall]
    notes: tuple[str, ...]


def traffic_of(source: Path, seed: int | None, select: str | None) -> Traffic:
    """Read a scenario and plan its calls; each process of a load does, and all come to the same.

    Raises FileErrors, and ValueError for a wrong expression.
    """
    selected = compile_expression(select) if select is not None else lambda _: True
    scenarios = load_scenarios([source])
    if len(scenarios) != 1:
        raise FileErrors([FileError.whole(source, f"found {len(scenarios)} scenarios, expected one: name its file")])
    ((scenario, file),) = scenarios
    number = scenario.seed if seed is None else seed
    planned = in_order(scenario, number, reading := Reading())
    chosen = (each for each in planned if selected(f"{scenario.name}/{each.campaign}"))
    calls = list(islice(chosen, MOST))
    sound = sum(each.needs_sound for each in calls)
    notes = list(unreadable(scenario.records, reading)[0])
    if len(calls) == MOST:
        notes.append(f"of this scenario's calls the first {MOST:,} are placed, again and again")
    if sound:
        notes.append(f"left out: {counted(sound, 'call')} that need sound, which real phones have")
    wire = [replace(each, agent="wire") for each in calls if not each.needs_sound]
    return Traffic(populated(scenario, number), file, wire, tuple(notes))


def call_id(prefix: str, number: int) -> str:
    """The Call-ID of the call of this number."""
    return f"{prefix}.{number}"


def number_of(call: str, prefix: str) -> int | None:
    """The number of a call of ours; None of another's."""
    mine, _, number = call.rpartition(".")
    return int(number) if mine == prefix and number.isdecimal() else None

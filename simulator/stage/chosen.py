"""The choices for a stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator.scenario.model import Scenario
from simulator.softswitch.kinds import Kind

DEFAULT = Path(__file__).with_name("default.yaml")  # the scenario where none is named
LESSONS = Path(__file__).parents[2] / "scenarios" / "lessons"  # those that Ringfence brings along


@dataclass(frozen=True, slots=True)
class Chosen:
    """The choices for a stage: a scenario and its file, the softswitch, and where the lab's files and finished
    runs lie. Softphones may register at the port `sip` of 127.0.0.1, 0: at any that is free. The calls of `scenarios`,
    and of those beside the source, may come by themselves."""

    scenario: Scenario
    source: Path
    softswitch: Kind
    folder: Path
    runs: Path
    sip: int = 0
    scenarios: Path = Path("scenarios")

"""Saves a session of the stage as the folder of a run, which `ringfence report`, `ladder` and `run` read as any other.

Its scenario is the lab's, with the calls that were placed, subscribers and rules as they are at the end: played again,
each call is judged by these.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from proxy.config.models import load_config
from proxy.observability.message_log import clocks_apart
from proxy.policy.profile import Subscriber
from proxy.policy.treatments import written
from proxy.process.loading import load_overlay
from proxy.subscribers.changes import ChangedDirectory
from proxy.subscribers.storage import read_directory
from simulator.judging.figures import Figures
from simulator.judging.observation import CallObservation
from simulator.judging.result import Result
from simulator.report.html import page
from simulator.results.events import RunEnded
from simulator.results.inputs import INPUTS, SCENARIO
from simulator.results.manifest import timestamp
from simulator.results.message_recorder import MessageRecorder
from simulator.results.run_folder import RunFolder
from simulator.stage.chosen import Chosen
from simulator.stage.masking import page_without_pin, without_pin
from simulator.traffic.planned_call import PlannedCall
from simulator.wording import counted
from simulator.yaml_text import as_yaml, from_yaml

REPORT = "report.html"
_COPIED = ("proxy.yaml", "subscribers.yaml", "subscribers.changes.db", "proxy-calls.jsonl", "proxy.log", "card.jws")
_LEFT_OUT = (
    "mix",
    "records",
    "thresholds",
    "prevalence",
    "others",
)  # keys of the scenario that are not for these calls


@dataclass(frozen=True, slots=True)
class Session:
    """A session so far: the calls that are over, how many there were in all, and when it began, in seconds of
    `time.monotonic`."""

    chosen: Chosen
    calls: tuple[CallObservation, ...]
    counted: int
    since: float


def save(session: Session, recorder: MessageRecorder) -> Path:
    """Write the folder below the session's runs, and return it. It blocks. Raises OSError."""
    chosen = session.chosen
    about = {
        "scenario": chosen.scenario.name,
        "source": str(chosen.source),
        "seed": chosen.scenario.seed,
        "home": chosen.scenario.home,
        "preset": chosen.scenario.preset,
        "policy": "own",
        "softswitch": chosen.softswitch,
        "calls": len(session.calls),
        "command": list(sys.argv),
        "only": None,
    }
    folder = RunFolder(chosen.runs, chosen.scenario.name, about, session.since)
    try:
        _fill(folder, session, recorder)
    except OSError:
        folder.discard()
        raise
    return folder.path


def _fill(folder: RunFolder, session: Session, recorder: MessageRecorder) -> None:
    chosen = session.chosen
    for name in _COPIED:
        if (chosen.folder / name).exists():
            _copy(chosen.folder / name, folder.path / name)
    shutil.copytree(chosen.folder / INPUTS, folder.path / INPUTS)
    text = as_yaml(_scenario(session, chosen.folder / SCENARIO))
    (folder.path / SCENARIO).write_text(text, encoding="utf-8")
    messages = recorder.copy_to(folder.path)
    _tell(session, folder)
    result = _result(session, folder.path)
    folder.hear(RunEnded(time.monotonic(), result, messages))
    report = folder.path / REPORT
    page.write(folder.path, report)
    report.write_text(page_without_pin(report.read_text(encoding="utf-8"), ()), encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    """Copy a file that may be written meanwhile: of lines only whole ones."""
    shutil.copyfile(source, target)
    if target.suffix == ".jsonl":
        with target.open("rb+") as file:
            data = file.read()
            file.truncate(data.rfind(b"\n") + 1)


def _tell(session: Session, folder: RunFolder) -> None:
    """Write down what happened, with the times when it did."""
    offset = clocks_apart()

    def at(moment: float) -> str:
        return timestamp(datetime.fromtimestamp(moment + offset, UTC))

    folder.note("pass_started", timestamp=at(session.since), proxied=True, calls=len(session.calls))
    for call in session.calls:
        saw = call.caller_saw
        folder.note("call_placed", timestamp=at(saw.due), proxied=True, call=call.id)
        over = at(saw.due if saw.final is None else saw.final)
        delay = saw.setup_delay
        folder.note("call_ended", timestamp=over, proxied=True, call=call.id, status=saw.status, setup_delay=delay)
    folder.note("pass_ended", proxied=True, ended=len(session.calls))


def _result(session: Session, folder: Path) -> Result:
    scenario = session.chosen.scenario
    notes = ["a session on the stage: there was no pass without the proxy"]
    if session.counted > len(session.calls):
        notes.append(f"only the latest {len(session.calls):,} of {counted(session.counted, 'call')} were kept")
    return Result(
        name=scenario.name,
        source=session.chosen.source,
        home=scenario.home,
        preset=scenario.preset,
        seed=scenario.seed,
        folder=folder,
        figures=Figures(tuple(map(_shown, session.calls)), {}, scenario.prevalence),
        notes=tuple(notes),
        duration=time.monotonic() - session.since,
    )


def _shown(call: CallObservation) -> CallObservation:
    """The call as its report may show it: a trainer opens that before an audience."""
    return replace(call, planned=replace(call.planned, callee=without_pin(call.planned.callee)))


def _scenario(session: Session, source: Path) -> dict[str, Any]:
    """The keys of the scenario of these calls."""
    document: dict[str, Any] = yaml.load(source.read_text(encoding="utf-8"), yaml.CBaseLoader)  # noqa: S506 - text only
    for name in _LEFT_OUT:
        document.pop(name, None)
    config = from_yaml((session.chosen.folder / "proxy.yaml").read_text(encoding="utf-8"))
    if config["rules"]:
        document["rules"] = config["rules"]
    document["subscribers"] = dict(_subscribers(session))
    first = min((call.caller_saw.due for call in session.calls), default=0.0)
    numbers = {name: each["number"] for name, each in document["subscribers"].items()}
    calls = (call for call in session.calls if call.planned.truth != "unknown")
    document["calls"] = [entry_of(call.planned, call.caller_saw.due - first, numbers) for call in calls]
    return document


def _subscribers(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those of the scenario, of a mix those who took part, as they are now."""
    scenario = session.chosen.scenario
    config = load_config(session.chosen.folder / "proxy.yaml")
    directory = ChangedDirectory(read_directory(config.subscribers, config.numbering()), load_overlay(config))
    took_part = {name for call in session.calls for name in (call.planned.caller_name, call.planned.callee_name)}
    named = scenario.subscribers if scenario.mix is None else {name for name in took_part if name is not None}
    for name in named:
        found = directory.find(scenario.subscribers[name].number)
        if found is not None:
            yield name, _written(found.but(user=scenario.subscribers[name].user))


def _written(subscriber: Subscriber) -> dict[str, Any]:
    """A subscriber as a scenario has them; what is usual is left out."""
    said = subscriber.as_dict() | {
        "barring": {name: value for name, value in subscriber.barring.as_dict().items() if value},
        "allow": list(subscriber.allow),
        "block": list(subscriber.block),
        "treatment": written(subscriber.treatment),
    }
    return {name: value for name, value in said.items() if value not in (None, "", False, [], {})}


def entry_of(planned: PlannedCall, start: float, numbers: Mapping[str, str]) -> dict[str, Any]:
    """The call as an entry of a scenario, which plans it again. `numbers` are those of subscribers, by name."""
    name = planned.caller_name
    entry: dict[str, Any] = {
        "call": planned.id,
        "trunk": planned.trunk,
        "from": planned.caller if name is None else name,
        "to": planned.callee_name or planned.callee,
        "start": f"{max(0.0, start):.3f}s",
        "truth": planned.truth,
        "family": planned.family,
    }
    if name is not None and planned.caller != numbers.get(name):
        entry["presents" if planned.trunk == "phones" else "from"] = planned.caller
    if planned.display_name:
        entry["display_name"] = planned.display_name
    if planned.headers:
        entry["headers"] = [f"{header}: {value}" for header, value in planned.headers]
    if planned.method == "MESSAGE":
        return entry | {"method": "MESSAGE", "body": planned.body}
    entry["ring"] = _seconds(planned.ring)
    if planned.talk is not None and planned.behaviour == "answer":
        entry["talk"] = _seconds(planned.talk)
    if planned.behaviour == "cancel":
        entry["cancel_after"] = _seconds(planned.cancel_after or 0.0)
    else:
        entry["answer"] = planned.behaviour
    return entry


def _seconds(value: float) -> str:
    return f"{value:.3f}s"

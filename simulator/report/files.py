"""Every file format in one place: telling them apart, checking them (`ringfence lint`), and their JSON schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from proxy.config.models import ProxyConfig, load_config
from proxy.files.yaml_file import FileError, FileErrors, load
from proxy.presets.preset import Preset
from proxy.process.loading import load_snapshot
from proxy.process.reading import covering_any
from proxy.reputation import reputons
from proxy.reputation.scam_list import ScamList
from proxy.subscribers.storage import SubscribersFile
from simulator.offline.grid import Grid
from simulator.offline.rehearsal import mistakes
from simulator.report import formats
from simulator.scenario.file_kinds import FileKind, files_in, kind_of, once, records_in
from simulator.scenario.lesson import Lesson, load_lesson, same_lessons
from simulator.scenario.model import Scenario, check_lists, load_scenarios, same_names
from simulator.scenario.policies import PolicyFile, variant_of_file
from simulator.traffic.call_records import Reading, told
from simulator.traffic.plan import plan
from simulator.wording import counted

_SHOWN = 3  # entries that are named

SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "scenario": lambda: TypeAdapter(Scenario).json_schema(),
    "config": lambda: TypeAdapter(ProxyConfig).json_schema(),
    "subscribers": lambda: TypeAdapter(SubscribersFile).json_schema(),
    "sweep": lambda: TypeAdapter(Grid).json_schema(),
    "lesson": lambda: TypeAdapter(Lesson).json_schema(),
    "policy": lambda: TypeAdapter(PolicyFile).json_schema(),
    "reputation": reputons.schema,
    **{name: partial(formats.schema, name) for name in formats.FORMATS},
}


def lint(paths: Iterable[Path]) -> list[str]:
    """A line for every file, saying what is in it. Raises FileErrors with all that is wrong in any of them."""
    said: dict[Path, str] = {}
    scenarios: list[tuple[Scenario, Path]] = []
    lessons: list[tuple[Lesson, Path]] = []
    errors: list[FileError] = []
    more = 0
    files = _files(paths)
    recorded = {named for path in files if path.suffix != ".csv" and (named := records_in(path)) is not None}
    for path in files:
        if path.resolve() in recorded:  # the scenario tells of it, if there is nothing wrong with that
            continue
        try:
            said[path] = f"{path}: {_describe(path, scenarios, lessons)}"
        except FileErrors as wrong:
            errors += wrong.errors
            more += wrong.more
    if errors := errors + same_names(scenarios) + same_lessons(lessons):
        raise FileErrors(dict.fromkeys(errors), more)
    return [said[path] for path in files if path in said]


def _files(paths: Iterable[Path]) -> list[Path]:
    return once(file for path in paths for file in (files_in(path, ".yaml", ".csv") if path.is_dir() else [path]))


def _describe(path: Path, scenarios: list[tuple[Scenario, Path]], lessons: list[tuple[Lesson, Path]]) -> str:
    """Check one file as what it looks like; a scenario is added to `scenarios`, a lesson to `lessons`."""
    if path.suffix == ".csv":
        return _describe_list(path)
    kind = kind_of(path)
    if kind is FileKind.CONFIG:
        load_snapshot(load_config(path))
        return kind
    if kind is FileKind.SUBSCRIBERS:
        return counted(len(load(path, SubscribersFile).subscribers), "subscriber")
    if kind is FileKind.PRESET:
        return f"a preset ({load(path, Preset).description})"
    if kind is FileKind.POLICY:
        variant_of_file(path)
        return kind
    if kind is FileKind.SWEEP:
        return f"{kind} of {counted(load(path, Grid).size, 'point')}"
    if kind is FileKind.LESSON:
        lessons.append((lesson := load_lesson(path), path))
        if errors := mistakes(lesson, path):
            raise FileErrors(errors)
        return f'lesson "{lesson.name}", {counted(len(lesson.steps), "step")} on the stage of {lesson.stage.name}'
    if kind is FileKind.FOREIGN:
        return f"{kind}, not checked"
    ((scenario, _),) = read = load_scenarios([path])
    scenarios += read
    check_lists([scenario])
    kinds = scenario.mix.kinds if scenario.mix else ()
    recorded = [scenario.records.file.name] if scenario.records else []
    names = ", ".join([*(entry.name for entry in scenario.calls), *kinds, *recorded])
    planned = plan(scenario, reading=(reading := Reading()))
    said = f'scenario "{scenario.name}", {counted(len(planned), "call")} ({names})'
    if scenario.records is not None:
        lines = told(scenario.records.file, reading, len(planned))
        said = "\n  ".join([said, *lines])
    return said


def _describe_list(path: Path) -> str:
    """Count the entries of a scam list, and find what may be a mistake in it, though it can be read."""
    scam_list = ScamList.load([path])
    said = f"a scam list of {counted(len(scam_list), 'entry', 'entries')}"
    try:
        ScamList.load([path], covering_any())
    except FileErrors as wide:
        shown = ", ".join(f"{error.found} at {error.line}:{error.column}" for error in wide.errors[:_SHOWN])
        count = len(wide.errors) + wide.more
        more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
        said += (
            f"; {counted(count, 'entry covers', 'entries cover')} a whole country, and no config with that home takes "
        )
        said += f"{'it' if count == 1 else 'them'}: {shown}{more}"
    if not all(each.ended for each in scam_list.files):
        said += "; its last line has no end: was it cut?"
    return said

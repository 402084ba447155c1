"""The kinds of Ringfence's files, told by the keys at their top, and the files of a folder that are looked at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Set
from enum import StrEnum
from pathlib import Path

import yaml

from proxy.files.yaml_file import FileError, place_of, top_keys

_OF_POLICIES = {"preset", "rules", "treatments", "scam_lists", "scam_list", "barred"}


class FileKind(StrEnum):
    """The kind in words for users."""

    SCENARIO = "a scenario"
    CONFIG = "a proxy config"
    SUBSCRIBERS = "a subscribers file"
    PRESET = "a preset"
    POLICY = "a policy"
    SWEEP = "a sweep"
    LESSON = "a lesson"
    FOREIGN = "none of Ringfence's files"


def once(files: Iterable[Path]) -> list[Path]:
    """Each file once, by the first of the ways in which it is named."""
    first: dict[Path, Path] = {}
    for file in files:
        first.setdefault(file.resolve(), file)
    return list(first.values())


def named_twice(named: Iterable[tuple[str, Path]], key: str) -> list[FileError]:
    """Say which files have the name of one before, as the value of that key at their top."""
    first: dict[str, Path] = {}
    errors = []
    for name, file in named:
        if (other := first.setdefault(name, file)) != file:
            expected = f"a name of its own: {other} has this one"
            errors.append(FileError(file, *place_of(file, key), f'"{name}"', expected))
    return errors


def kind_of(path: Path) -> FileKind:
    """The kind of a YAML file; one that cannot be read, or says nothing, counts as a scenario with mistakes in it."""
    return kind_by(top_keys(path))


def kind_by(keys: Set[str]) -> FileKind:
    """The kind of a YAML file with these keys at its top."""
    if not keys or keys & {"scenario", "calls", "mix", "records"}:
        return FileKind.SCENARIO
    if "lesson" in keys:
        return FileKind.LESSON
    if keys & {"listen", "softswitch"}:
        return FileKind.CONFIG
    if "sweep" in keys:
        return FileKind.SWEEP
    if keys <= _OF_POLICIES:
        return FileKind.POLICY
    if "subscribers" in keys:
        return FileKind.SUBSCRIBERS
    return FileKind.PRESET if "description" in keys else FileKind.FOREIGN


def records_in(path: Path) -> Path | None:
    """The file of call records that a scenario names, whatever else is wrong with it; None where it names none."""
    try:
        said = yaml.load(path.read_text(encoding="utf-8"), yaml.CBaseLoader)  # noqa: S506 - text only
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None
    records = said.get("records") if isinstance(said, dict) else None
    named = records.get("file") if isinstance(records, dict) else None
    return (path.parent / named).resolve() if isinstance(named, str) and "\0" not in named else None


def files_in(folder: Path, *suffixes: str) -> Iterator[Path]:
    """The files below a folder, sorted; hidden folders, virtual environments and folders of runs are left out."""
    for place, folders, files in os.walk(folder):
        inside = Path(place)
        folders[:] = sorted(name for name in folders if _is_looked_at(inside / name))
        yield from (inside / name for name in sorted(files) if Path(name).suffix in suffixes)


def _is_looked_at(folder: Path) -> bool:
    is_run = (folder / "manifest.json").exists() and (folder / "events.jsonl").exists()
    return not (folder.name.startswith(".") or (folder / "pyvenv.cfg").exists() or is_run)

"""Values of config files that are more than text: files beside them, regions, presets, rules."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from proxy.files.yaml_file import FileContext, Problem, Problems, did_you_mean
from proxy.numbers.numbering import Numbering
from proxy.policy.precedence import SETTABLE
from proxy.policy.verdict import Mode
from proxy.presets import preset


def _beside(value: Path, info: ValidationInfo) -> Path:
    path = FileContext.of(info).beside(value)
    if not path.is_file():
        raise ValueError("a file that exists, named relative to this one")
    return path


def lists_beside(patterns: Any, info: ValidationInfo) -> tuple[Path, ...]:
    """The files that `patterns` (globs relative to the file they stand in) name, in order, each once; the known files
    that are missing among them."""
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        raise ValueError('a list of paths, such as ["lists/*.csv"]')
    files: dict[Path, None] = {}
    missing = []
    context = FileContext.of(info)
    for index, pattern in enumerate(map(context.beside, patterns)):
        found = lists_named(pattern)
        found |= {path for path in context.known if _names(pattern.parts, path.parts)}
        files |= dict.fromkeys(sorted(found))
        if not found:
            missing.append(Problem((index,), "a file that exists, named relative to this one (* stands for any)"))
    if missing:
        raise Problems(missing)
    return tuple(files)


def lists_named(pattern: Path) -> set[Path]:
    """The files that a glob names."""
    return {path for path in _glob(pattern) if path.is_file()}


def _glob(pattern: Path) -> Iterator[Path]:
    anchor = Path(pattern.anchor or ".")
    relative = pattern.relative_to(anchor)
    return anchor.glob(str(relative)) if relative.parts else iter(())


def _names(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """True if a glob names a path, both in parts; ** stands for any folders."""
    if not pattern or not path:
        return pattern == path
    if pattern[0] == "**":
        return any(_names(pattern[1:], path[skipped:]) for skipped in range(len(path)))
    return fnmatchcase(path[0], pattern[0]) and _names(pattern[1:], path[1:])


def _home(region: str) -> str:
    try:
        Numbering(region)
    except ValueError as error:
        raise ValueError(str(error).partition(", not ")[0]) from None
    return region


def _preset(name: str) -> str:
    if name not in preset.names():
        raise ValueError(f"a preset: {did_you_mean(name, preset.names())}")
    return name


def _rule(name: str) -> str:
    if name not in SETTABLE:
        raise ValueError(f"a rule: {did_you_mean(name, SETTABLE)}")
    return name


def some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values:
        raise ValueError("at least one of them")
    return values


def _subscribers(location: str, info: ValidationInfo) -> str:
    """A YAML file, or `sqlite:///FILE` (three slashes: relative; four: absolute)."""
    context = FileContext.of(info)
    if location.startswith("sqlite:///"):
        return f"sqlite:///{context.beside(location.removeprefix('sqlite:///'))}"
    path = context.beside(location)
    if not path.is_file() and path not in context.known:
        raise ValueError('a YAML file that exists, named relative to this one, or "sqlite:///FILE"')
    return str(path)


Home = Annotated[str, AfterValidator(_home)]
PresetName = Annotated[str, AfterValidator(_preset)]
RuleModes = dict[Annotated[str, AfterValidator(_rule)], Mode]
ScamLists = Annotated[tuple[Path, ...], BeforeValidator(lists_beside)]
ExistingFile = Annotated[Path, AfterValidator(_beside)]
Subscribers = Annotated[str, AfterValidator(_subscribers)]

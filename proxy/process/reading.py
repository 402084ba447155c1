"""The files that hold much, subscribers and scam lists, as a config names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from proxy.config.models import ProxyConfig
from proxy.files.last_good import Extent, Kept, keep
from proxy.files.shelf import Shelf
from proxy.numbers.plans import countries, prefixes_of
from proxy.presets import preset
from proxy.reputation.scam_list import Allocate, ScamList
from proxy.subscribers.directory import Directory
from proxy.subscribers.storage import is_database, path_of, read_directory

People = tuple[Directory | None, tuple[Extent, ...], tuple[Kept, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """All that the files hold.

    `extents` are those of all files, `kept` the ones of which an earlier reading stays in force. `people` and `lists`
    are the shelves of the arrays of both, if another process read them.
    """

    directory: Directory
    scam_list: ScamList
    extents: tuple[Extent, ...]
    kept: tuple[Kept, ...]
    people: Shelf | None = None
    lists: Shelf | None = None


class Piece(NamedTuple):
    """A function and its arguments, of plain types; it also takes `allocate`, which makes room for arrays by data type
    and length. What is compiled cannot be sent to another process."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]


def pieces(config: ProxyConfig, last_good: Contents | None = None) -> tuple[Piece, Piece]:
    """The two pieces of work there are, subscribers and scam lists; `put_together` takes what they return.

    Of what shrank too much since the last good reading, that one stays. Both raise FileErrors, OSError.
    """
    extents = () if last_good is None else last_good.extents
    last_list = None if last_good is None else last_good.scam_list
    share = config.safeguards.least_share
    return (
        Piece(read_subscribers, (config.subscribers, config.home, config.preset, share, extents)),
        Piece(ScamList.load, (config.scam_lists, refused(config), share, last_list)),
    )


def put_together(people: People, scam_list: ScamList, last_good: Contents | None = None) -> Contents:
    """The contents of all files."""
    directory, extents, kept = people
    if directory is None:
        directory = last_good.directory if last_good else Directory()
    return Contents(directory, scam_list, (*extents, *scam_list.files), (*kept, *scam_list.kept))


def read(config: ProxyConfig, last_good: Contents | None = None) -> Contents:
    """Read them all, here and now. Raises FileErrors, OSError."""
    people, lists = (work(*arguments) for work, arguments in pieces(config, last_good))
    return put_together(people, lists, last_good)


def refused(config: ProxyConfig) -> Mapping[str, str]:
    """The prefixes that no row of a scam list may have."""
    return {} if config.safeguards.cover_home else covering(config.home)


def covering(home: str) -> Mapping[str, str]:
    """The prefixes that cover all numbers of a country, each with what is to be written instead."""
    beginnings = {prefix[:length] for prefix in prefixes_of(home) for length in range(1, len(prefix) + 1)}
    told = f"the home country {home} (safeguards: {{cover_home: on}} in the proxy's config allows it)"
    return {f"{each}*": f"a prefix that does not cover {told}" for each in beginnings}


def covering_any() -> Mapping[str, str]:
    """The prefixes that cover all numbers of some country, or more."""
    return {f"+{code[:length]}*": "less" for code in countries() for length in range(len(code) + 1)}


def read_subscribers(
    location: str | None,
    home: str,
    preset_name: str,
    least_share: float,
    extents: Sequence[Extent],
    allocate: Allocate | None = None,
) -> People:
    """Read the subscribers at a location, None for those that stay as they were read before; with how many there are,
    and why. The home country and the preset say how numbers on their lists are read.
    """
    if location is None:
        return Directory(), (), ()
    path = path_of(location)
    before = {each.file: each for each in extents}
    if str(path) in before and not path.exists():
        directory, now = Directory(), Extent.gone(str(path))
    else:
        ended = is_database(location) or _is_ended(path)  # a database has no lines
        directory = read_directory(location, preset.numbering(home, preset.load(preset_name)))
        now = Extent(str(path), len(directory), ended)
    kept = keep(before, [now], least_share).get(str(path))
    if kept is not None:
        return None, (kept.last_good,), (kept,)
    return directory.moved(allocate) if allocate else directory, (now,), ()


def _is_ended(path: Path) -> bool:
    """True if the last line of a YAML file has an end; cut before a last bracket, it would be no YAML."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        return file.read() in (b"", b"\n", b"\r", b"]", b"}")

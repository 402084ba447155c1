"""The files that hold much, subscribers and scam lists, as a config names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from proxy.config.models import ProxyConfig
from proxy.files.last_good import Extent, Kept, keep
from proxy.files.shelf import Shelf
from proxy.numbers.plans import countries, prefixes_of
from proxy.reputation.scam_list import Allocate, ScamList
from proxy.subscribers.directory import Directory
from proxy.subscribers.storage import is_database, path_of, read_directory


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """All that the files hold; `directory` is None where that of the last good reading stays in force.

    `extents` are those of all files, `kept` the ones of which an earlier reading stays in force. `people` and `lists`
    are the shelves of the arrays of both, if another process read them.
    """

    directory: Directory | None
    scam_list: ScamList
    extents: tuple[Extent, ...]
    kept: tuple[Kept, ...]
    people: Shelf | None = None
    lists: Shelf | None = None


class Room(NamedTuple):
    """Makes room for the arrays of subscribers and of scam lists, by data type and length."""

    people: Allocate
    lists: Allocate


def read(config: ProxyConfig, last_good: Contents | None = None, room: Room | None = None) -> Contents:
    """Read them all; of what shrank too much since the last good reading, that one stays.

    The arrays of both are where there is `room` for them. Raises FileErrors, OSError.
    """
    extents = () if last_good is None else last_good.extents
    last_list = None if last_good is None else last_good.scam_list
    directory, now, kept = _read_subscribers(config, extents)
    if directory is not None and room is not None:
        directory = directory.moved(room.people)
    share = config.safeguards.least_share
    scam_list = ScamList.load(config.scam_lists, refused(config), last_list, share, room and room.lists)
    return Contents(directory, scam_list, (*now, *scam_list.files), (*kept, *scam_list.kept))


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


def _read_subscribers(
    config: ProxyConfig, extents: Sequence[Extent]
) -> tuple[Directory | None, tuple[Extent, ...], tuple[Kept, ...]]:
    if config.subscribers is None:
        return Directory(), (), ()
    path = path_of(config.subscribers)
    before = {each.file: each for each in extents}
    if str(path) in before and not path.exists():
        directory, now = Directory(), Extent.gone(str(path))
    else:
        ended = is_database(config.subscribers) or _is_ended(path)  # a database has no lines
        directory = read_directory(config.subscribers, config.numbering())
        now = Extent(str(path), len(directory), ended)
    kept = keep(before, [now], config.safeguards.least_share).get(str(path))
    return (directory, (now,), ()) if kept is None else (None, (kept.last_good,), (kept,))


def _is_ended(path: Path) -> bool:
    """True if the last line of a YAML file has an end; cut before a last bracket, it would be no YAML."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        return file.read() in (b"", b"\n", b"\r", b"]", b"}")

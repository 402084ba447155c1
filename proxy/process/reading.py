"""The files that hold much, subscribers and scam lists, as a config names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from proxy.config.models import ProxyConfig
from proxy.files.last_good import Extent, Kept
from proxy.files.shelf import Shelf
from proxy.numbers.plans import countries, prefixes_of
from proxy.presets import preset
from proxy.process.people import People, read_subscribers
from proxy.reputation.scam_list import ScamList
from proxy.subscribers.directory import Directory


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
    and length. What is compiled cannot be sent to another process. `has_files`: there is something to read."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    has_files: bool


def pieces(config: ProxyConfig, last_good: Contents | None = None) -> tuple[Piece, Piece]:
    """The two pieces of work there are, subscribers and scam lists; `put_together` takes what they return.

    Of what shrank too much since the last good reading, that one stays. Both raise FileErrors, OSError.
    """
    extents = () if last_good is None else last_good.extents
    last_list = None if last_good is None else last_good.scam_list
    share = config.safeguards.least_share
    written = preset.written_at_home(config.home, preset.load(config.preset))
    return (
        Piece(read_subscribers, (config.subscribers, written, share, extents), config.subscribers is not None),
        Piece(ScamList.load, (config.scam_lists, refused(config), share, last_list), bool(config.scam_lists)),
    )


def put_together(people: People, scam_list: ScamList, last_good: Contents | None = None) -> Contents:
    """The contents of all files."""
    directory, extents, kept = people
    if directory is None:
        directory = last_good.directory if last_good else Directory()
    return Contents(directory, scam_list, (*extents, *scam_list.files), (*kept, *scam_list.kept))


def read(config: ProxyConfig, last_good: Contents | None = None) -> Contents:
    """Read them all, here and now. Raises FileErrors, OSError."""
    people, lists = (piece.work(*piece.arguments) for piece in pieces(config, last_good))
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

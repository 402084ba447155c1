"""The names of a message's header lines, in their order: what the messages of a peer have in common, worked out once.

A `Shape` never changes: a line that comes or goes makes another one of it. Those of usual messages are remembered, by
the way in which their names are written, so that most messages are only compared with the last one of their kind.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.sip.errors import BadRequest, SipError
from proxy.sip.headers import KNOWN_NAMES, canonical_name

_MOST: Final = 1024  # shapes that are remembered
_MOST_LINES: Final = 40  # of a remembered shape
_LONGEST: Final = 1024  # characters of all the names of one
_MOST_KINDS: Final = 40  # of messages with the same number of lines
_LONGEST_KIND: Final = 16  # characters; a method may have as many as a datagram
_LINE_END: Final = re.compile(r"\r\n(?![ \t])")
_starts_with: Final = str.startswith
_named: Final = {f"{spelling}:": name for spelling, name in KNOWN_NAMES.items()}.get


class Shape:
    """`first` is the index of the first line of each name, `repeated` holds the names of several lines.

    One that is remembered (`kept`) knows others of those that lines make of it, until it is forgotten.
    """

    __slots__ = ("_less", "_on_top", "_places", "_second", "first", "kept", "names", "repeated")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names: Final = names
        self.first: Final[dict[str, int]] = {}
        repeated: list[str] = []
        for index, name in enumerate(names):
            if self.first.setdefault(name, index) != index:
                repeated.append(name)
        self.repeated: Final = frozenset(repeated)
        self.kept = False
        self._places: Final[dict[frozenset[str], tuple[int, ...]]] = {}
        self._on_top: Final[dict[str, Shape]] = {}
        self._second: Final[dict[str, Shape]] = {}
        self._less: Final[dict[int, Shape]] = {}

    def places(self, names: frozenset[str]) -> tuple[int, ...]:
        """The indexes of all lines of these names, which are constants of the caller's: each set is remembered."""
        places = self._places.get(names)
        if places is None:
            places = tuple([index for index, name in enumerate(self.names) if name in names])
            self._places[names] = places
        return places

    def inserted(self, index: int, name: str) -> Shape:
        """With one more name at an index, spelt as we write it."""
        near_top = 0 <= index <= 1
        known = self._second if index else self._on_top
        shape = known.get(name) if near_top else None
        if shape is None:
            canonical = KNOWN_NAMES.get(name) or name.lower()
            shape = shape_of((*self.names[:index], canonical, *self.names[index:]))
            if near_top and self.kept and shape.kept:
                known[name] = shape
        return shape

    def without(self, index: int) -> Shape:
        """Without the name at an index."""
        shape = self._less.get(index)
        if shape is None:
            shape = shape_of((*self.names[:index], *self.names[index + 1 :]))
            if self.kept and shape.kept:
                self._less[index] = shape
        return shape

    def forget(self) -> None:
        """Let go of others, lest they hold each other for ever."""
        self.kept = False
        self._less.clear()
        self._on_top.clear()
        self._second.clear()


_BY_NAMES: Final[dict[tuple[str, ...], Shape]] = {}
_BY_SPELLING: Final[dict[tuple[str, ...], Shape]] = {}
# By the number of lines, and by kind of message: how the names of the last one were spelt, and its shape.
_LATEST: Final[list[dict[str, tuple[tuple[str, ...], Shape]]]] = [{} for _ in range(_MOST_LINES)]


def shape_of(names: tuple[str, ...]) -> Shape:
    """The shape of lines with these names, in their long form."""
    shape = _BY_NAMES.get(names)
    if shape is None:
        shape = Shape(names)
        if len(names) <= _MOST_LINES and len("".join(names)) <= _LONGEST:
            if len(_BY_NAMES) >= _MOST:
                _forget_all()
            _BY_NAMES[names] = shape
            shape.kept = True
    return shape


def _forget_all() -> None:
    for shape in _BY_NAMES.values():
        shape.forget()
    _BY_NAMES.clear()
    _BY_SPELLING.clear()
    for latest in _LATEST:
        latest.clear()


def usual_shape(kind: str, lines: list[str]) -> Shape | None:
    """The shape of header lines whose names are spelt as some were before; None for others. `kind` is what messages
    that look alike have in common, as their method is."""
    count = len(lines)
    if count >= _MOST_LINES:
        return None
    latest = _LATEST[count]
    if (last := latest.get(kind)) is not None:
        spelt, shape = last
        if all(map(_starts_with, lines, spelt)):  # as many of both
            return shape
    spelling = tuple([line[: line.find(":") + 1] for line in lines])
    known = _BY_SPELLING.get(spelling)
    if known is not None and len(kind) <= _LONGEST_KIND:
        if len(latest) >= _MOST_KINDS:
            latest.clear()
        latest[kind] = (spelling, known)
    return known


def name_lines(lines: list[str]) -> tuple[Shape, SipError | None]:
    """Name lines that are not spelt as any before; join folded ones (RFC 3261 7.3.1)."""
    problem: SipError | None = None
    if any(line[:1] in (" ", "\t") for line in lines):
        lines[:] = _LINE_END.split("\r\n".join(lines))
    names: list[str] = []
    for line in lines:
        name = _named(line[: line.find(":") + 1])
        if name is None:
            try:
                name = canonical_name(line)
            except BadRequest as error:
                problem = problem or BadRequest(error.detail)  # the caught one would hold this very frame
                name = ""
        names.append(name)
    shape = shape_of(tuple(names))
    if problem is None:
        _remember(lines, shape)
    return shape, problem


def _remember(lines: list[str], shape: Shape) -> None:
    """Take the names of these lines, each of them well-formed, as those of that shape."""
    spelling = tuple([line[: line.find(":") + 1] for line in lines])
    if len(lines) < _MOST_LINES and len("".join(spelling)) <= _LONGEST:
        if len(_BY_SPELLING) >= _MOST:
            _forget_all()
        _BY_SPELLING[spelling] = shape

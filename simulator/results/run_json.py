"""The JSON of what runs leave: it has no numbers that no run can have measured, and what is wrong in it has a place.

Python reads NaN, Infinity and 1e400 as numbers, all of which break whatever computes with them later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from json import JSONDecoder
from typing import Any, NoReturn

_MOST = 1 << 53  # what all readers of JSON agree on (RFC 8259 6)
_MOST_DIGITS = 4300  # that Python reads; a seed may have as many
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|(-?(?:NaN|Infinity|\d[\d.eE+-]*))')
_BLANK = re.compile(r"[ \t\r\n]*")


class NoSuchNumber(ValueError):
    """A number that nothing can have measured: where it stands in the text, and what is expected there."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"found {found[:40]}, expected {expected}")
        self.found, self.expected = found, expected
        self.position = 0


def _refused(found: str) -> NoReturn:
    raise NoSuchNumber(found, "a number")


def _measured(text: str) -> float:
    value = float(text)
    if not 0 <= value <= _MOST:
        raise NoSuchNumber(text, f"a number from 0 to {_MOST:,}")
    return value


def _counted(text: str) -> int:
    value = int(text) if len(text) < len(str(_MOST)) + 1 else -1
    if not 0 <= value <= _MOST:
        raise NoSuchNumber(text, f"a number from 0 to {_MOST:,}")
    return value


def _real(text: str) -> float:
    value = float(text)
    if not -_MOST <= value <= _MOST:
        raise NoSuchNumber(text, f"a number from -{_MOST:,} to {_MOST:,}")
    return value


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise NoSuchNumber(text, f"a number of at most {_MOST_DIGITS:,} digits")
    return int(text)


_LINES = JSONDecoder(parse_float=_measured, parse_int=_counted, parse_constant=_refused)
_DOCUMENTS = JSONDecoder(parse_float=_real, parse_int=_whole, parse_constant=_refused)
_AS_WRITTEN = JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def read_line(text: str) -> Any:
    """The value of a line, whose numbers are counts, codes, moments and lengths of time: none is below nought.

    Raises NoSuchNumber, JSONDecodeError, RecursionError.
    """
    return _read(text, _LINES, _measured, _counted)


def read_document(text: str) -> Any:
    """The value of a whole file. Raises NoSuchNumber, JSONDecodeError, RecursionError."""
    return _read(text, _DOCUMENTS, _real, _whole)


def _read(text: str, decoder: JSONDecoder, real: Callable[[str], float], whole: Callable[[str], int]) -> Any:
    try:
        return decoder.decode(text)
    except NoSuchNumber as error:
        for token in _TOKEN.finditer(text):
            number = token[1]
            if number is None:
                continue
            try:
                _refused(number) if number[-1] in "Ny" else (real if set(number) & {*".eE"} else whole)(number)
            except NoSuchNumber:
                error.position = token.start()
                break
            except ValueError:  # no number, behind what was read
                break
        raise


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """The place of a character, both counted from 1."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def place_of(text: str, where: Sequence[int | str]) -> tuple[int, int]:
    """The line and column of the value to which these keys and places lead, as far as they do, in JSON that can be
    read."""
    position = _after_blank(text, 0)
    for step in where:
        position = _below(text, position, step) or position  # others are names that pydantic gives to kinds
    return line_and_column(text, position)


def _below(text: str, position: int, step: int | str) -> int | None:
    """The position of a member, or item, of the object or array that begins at `position`."""
    found, is_object = None, text[position] == "{"
    if not is_object and text[position] != "[":
        return None
    place, position = 0, _after_blank(text, position + 1)
    while text[position] not in "}]":
        key: int | str = place
        if is_object:
            key, position = _AS_WRITTEN.raw_decode(text, position)
            position = _after_blank(text, _after_blank(text, position) + 1)
        if key == step:
            found = position  # of a key that comes twice, the last one counts
        _, position = _AS_WRITTEN.raw_decode(text, position)
        position = _after_blank(text, position)
        if text[position] == ",":
            position = _after_blank(text, position + 1)
        place += 1
    return found


def _after_blank(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match is not None else position

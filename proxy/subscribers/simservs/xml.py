"""XML -> elements that know their line and column. Nothing in a document can make it fetch or expand anything.

Entities are declared in a DOCTYPE only, and a document with one is refused before the first of them is read. Expat
reads what it has been given to its end all the same, with nobody listening: so it is given the document in pieces, and
from 2.4 on it stops where entities expand to more than a hundred times what was written. Pieces are few enough that a
token over all of them does not cost much (CVE-2023-52425; Expat 2.6 defers reading those again).

A namespace is copied in front of each name in it: it may not be long, nor may one tag hold many names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from proxy.files.yaml_file import FileError, FileErrors

Name = tuple[str | None, str]  # namespace, local name

_MOST_BYTES = 1 << 20
_MOST_LEVELS = 32
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"  # where documents say what schema they are of
_MOST_OF_A_NAMESPACE = 256  # characters
_LONGEST = 1 << 14  # bytes of a tag, or of a text
_LONG = re.compile(rb"[^<]{%d}" % _LONGEST)
_WIDE = {b"\xff\xfe": "utf-16-le", b"<\0": "utf-16-le", b"\xfe\xff": "utf-16-be", b"\0<": "utf-16-be"}
_PIECE = 1 << 14  # bytes
_BETWEEN = "\f"  # between namespace and local name: no XML document can hold it
_BOUNDS_EXPANSION = (2, 4, 0)  # the first Expat that does


@dataclass(slots=True)
class Element:
    """One element; `text` is what stands directly in it."""

    name: Name
    attributes: dict[str, str]
    line: int
    column: int
    children: list[Element] = field(default_factory=list)
    text: str = ""


class _TreeBuilder:
    """Listens to an Expat parser. What its handlers raise comes out of the parser's `Parse`."""

    def __init__(self, path: Path, encoding: str | None) -> None:
        self._path = path
        self._names: dict[str, Name] = {}  # one of each: they may be many
        self._open: list[tuple[Element, list[str]]] = []  # with the pieces of text so far
        self.root: Element | None = None
        self.parser = parser = expat.ParserCreate(encoding, _BETWEEN)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters

    def _doctype(self, *_: object) -> None:
        raise self._error("a DOCTYPE", "a document without one")

    def _namespace(self, _prefix: str | None, uri: str | None) -> None:
        if uri is not None and len(uri) > _MOST_OF_A_NAMESPACE:
            expected = f"at most {_MOST_OF_A_NAMESPACE}"
            raise self._error(f"a namespace of {len(uri)} characters", expected)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) == _MOST_LEVELS:
            raise self._error(f"<{self._name(tag)[1]}>", f"at most {_MOST_LEVELS} levels of elements")
        kept = {
            (local if space is None else f"{{{space}}}{local}"): value
            for (space, local), value in ((self._name(name), value) for name, value in attributes.items())
            if space != _INSTANCE
        }
        element = Element(self._name(tag), kept, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)
        if self._open:
            self._open[-1][0].children.append(element)
        else:
            self.root = element
        self._open.append((element, []))

    def _end(self, _tag: str) -> None:
        element, pieces = self._open.pop()
        element.text = "".join(pieces)

    def _characters(self, content: str) -> None:
        self._open[-1][1].append(content)

    def _name(self, joined: str) -> Name:
        if (name := self._names.get(joined)) is None:
            space, _, local = joined.rpartition(_BETWEEN)
            name = self._names[joined] = (space or None, local)
        return name

    def _error(self, found: str, expected: str) -> FileErrors:
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        return FileErrors([FileError(self._path, line, column, found, expected)])


def parse(path: Path, document: bytes) -> Element:
    """The root element. Raises FileErrors for what is no XML, and for a DOCTYPE, which is of use to attackers only."""
    if expat.version_info < _BOUNDS_EXPANSION:
        found, expected = f"Expat {expat.EXPAT_VERSION}", "Python with Expat 2.4 or newer to read XML with"
        raise FileErrors([FileError(path, 1, 1, found, expected)])
    if len(document) > _MOST_BYTES:
        raise FileErrors([FileError(path, 1, 1, f"{len(document)} bytes", f"at most {_MOST_BYTES}")])
    wide = _WIDE.get(document[:2])
    try:
        if wide is not None:
            document = document.decode(wide).removeprefix("\ufeff").encode()
        if long := _LONG.search(document):
            line, before = document.count(b"\n", 0, long.start()) + 1, document.rfind(b"\n", 0, long.start())
            found, expected = f"{_LONGEST} bytes without <", "shorter tags and texts"
            raise FileErrors([FileError(path, line, long.start() - before, found, expected)])
        builder = _TreeBuilder(path, None if wide is None else "utf-8")
        for start in range(0, len(document), _PIECE):
            builder.parser.Parse(document[start : start + _PIECE], False)
        builder.parser.Parse(b"", True)
    except expat.ExpatError as error:
        found = expat.ErrorString(error.code)
        raise FileErrors([FileError(path, error.lineno, error.offset + 1, found, "well-formed XML")]) from None
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise FileErrors([FileError(path, 1, 1, str(error), "XML in UTF-8")]) from None
    assert builder.root is not None  # noqa: S101  # expat has seen one
    return builder.root

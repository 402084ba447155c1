"""XML -> elements that know their line and column. Nothing in a document can make it fetch or expand anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from proxy.files.yaml_file import FileError, FileErrors

Name = tuple[str | None, str]  # namespace, local name

_MOST_BYTES = 1 << 20
_MOST_LEVELS = 32
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"  # where documents say what schema they are of


@dataclass(slots=True)
class Element:
    """One element; `text` is what stands directly in it."""

    name: Name
    attributes: dict[str, str]
    line: int
    column: int
    children: list[Element] = field(default_factory=list)
    text: str = ""


class _TreeBuilder(ContentHandler):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._locator: Any = None
        self._open: list[Element] = []
        self.root: Element | None = None

    def setDocumentLocator(self, locator: Any) -> None:  # noqa: N802  # as SAX calls it
        self._locator = locator

    def here(self) -> tuple[int, int]:
        """Line and column, from 1."""
        return self._locator.getLineNumber(), self._locator.getColumnNumber() + 1

    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:  # noqa: ARG002, N802  # as SAX calls it
        attributes = {
            (local if space is None else f"{{{space}}}{local}"): value
            for (space, local), value in attrs.items()
            if space != _INSTANCE
        }
        element = Element(name, attributes, *self.here())
        if len(self._open) == _MOST_LEVELS:
            expected = f"at most {_MOST_LEVELS} levels of elements"
            raise FileErrors([FileError(self._path, *self.here(), f"<{name[1]}>", expected)])
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def endElementNS(self, name: Any, qname: Any) -> None:  # noqa: ARG002, N802  # as SAX calls it
        self._open.pop()

    def characters(self, content: str) -> None:
        self._open[-1].text += content


def parse(path: Path, document: bytes) -> Element:
    """The root element. Raises FileErrors for what is no XML, and for a DOCTYPE, which is of use to attackers only."""
    if len(document) > _MOST_BYTES:
        raise FileErrors([FileError(path, 1, 1, f"{len(document)} bytes", f"at most {_MOST_BYTES}")])
    builder = _TreeBuilder(path)
    parser: Any = DefusedExpatParser(namespaceHandling=1, forbid_dtd=True)
    parser.setContentHandler(builder)
    try:
        parser.parse(BytesIO(document))
    except SAXParseException as error:
        place = error.getLineNumber() or 1, (error.getColumnNumber() or 0) + 1
        raise FileErrors([FileError(path, *place, error.getMessage(), "well-formed XML")]) from None
    except DefusedXmlException:
        raise FileErrors([FileError(path, *builder.here(), "a DOCTYPE", "a document without one")]) from None
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise FileErrors([FileError(path, 1, 1, str(error), "XML in UTF-8")]) from None
    assert builder.root is not None  # noqa: S101  # expat has seen one
    return builder.root

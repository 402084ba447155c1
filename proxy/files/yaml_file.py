"""YAML file -> validated model, or every error of the file at once, each with its line and column.

Scalars load as text (`+86...`, `0447...`, `12:30` and `NO` survive) and the model decides what they mean. A validator's
`raise ValueError(expected)` words what follows "found X, expected"; `Problems` does so for several places of a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import yaml
from yaml.events import MappingEndEvent, ScalarEvent, SequenceEndEvent
from yaml.nodes import MappingNode, Node, SequenceNode

from proxy.files.expected import expected_by
from proxy.files.visible import brief, visible

if TYPE_CHECKING:  # slow to import, and of no use to the processes that read lists
    from pydantic import TypeAdapter, ValidationError, ValidationInfo

T = TypeVar("T")
Where = tuple[int | str, ...]

_SHOWN = 50  # errors kept of one file: nobody reads more before mending these
_MAX_DEPTH, _MAX_EXPANSION = 100, 100_000  # levels; values that aliases may add to those written out
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, order=True)
class FileError:
    """One thing to mend, at a line and column counted from 1; at line 0 what is wrong with the file as such."""

    path: Path
    line: int
    column: int
    found: str
    expected: str

    @classmethod
    def whole(cls, path: Path, problem: str) -> Self:
        """No place in the file, because it could not be read as such a file at all."""
        return cls(path, 0, 0, problem, "")

    def __str__(self) -> str:
        if self.line == 0:
            return brief(f"{self.path}: {visible(self.found)}")
        said = f"found {visible(self.found)}, expected {visible(self.expected)}"
        return brief(f"{self.path}:{self.line}:{self.column}: {said}")


class FileErrors(Exception):
    """All errors of one or more files, in reading order; `more` counts those that were not kept."""

    def __init__(self, errors: Iterable[FileError], more: int = 0) -> None:
        self.errors = tuple(sorted(errors))
        self.more = more
        super().__init__(*self.errors)

    def __reduce__(self) -> tuple[Any, ...]:
        return FileErrors, (self.errors, self.more)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.errors), *([f"... and {self.more} more"] if self.more else [])])


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong `where` inside the value that a validator looks at."""

    where: Where
    expected: str


class Problems(ValueError):
    """The error by which a validator reports several places of its value at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.expected} at {problem.where}" for problem in self.problems))


@dataclass(frozen=True, slots=True)
class FileContext:
    """The file as validators may know it: its path, its data before validation, the `known` files (those that it
    named before, one of which may be missing for now), and what the reader gave `load`."""

    path: Path = Path()
    document: dict[str, Any] = field(default_factory=dict)
    known: frozenset[Path] = frozenset()
    given: Any = None

    @classmethod
    def of(cls, info: ValidationInfo) -> FileContext:
        return info.context if isinstance(info.context, cls) else cls()

    def beside(self, name: str | Path) -> Path:
        """Resolve a path that was written relative to the file."""
        return self.path.parent / name


def load(
    path: Path,
    model: type[T],
    known: frozenset[Path] = frozenset(),
    *,
    given: Any = None,
    fits: Callable[[Path, frozenset[str]], None] = lambda _path, _keys: None,
) -> T:
    """Read `path` as `model` (a pydantic model or dataclass); raises FileErrors with all that is wrong in it.

    `known` files may be missing where a file must exist; validators find both, and `given`, in their context. `fits`
    raises FileErrors where the keys at the top are those of a file of another kind.
    """
    from pydantic import ValidationError

    text = read_text(path)
    reader = _Reader(path, text)
    data, errors = reader.read(), reader.errors
    fits(path, _keys(data))
    adapter: TypeAdapter[T] = _adapter(cast(Any, model))
    try:
        context = FileContext(path, data if isinstance(data, dict) else {}, known, given)
        value = adapter.validate_python(data, context=context)
    except ValidationError as invalid:
        errors += _Explainer(path, text, adapter).explain(invalid)
    if errors:
        raise FileErrors(errors[:_SHOWN], more=max(0, len(errors) - _SHOWN))
    return value


@cache  # building one takes several times as long as reading a small file with it
def _adapter(model: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(model)


@cache  # so does making its schema, and a file may have many unknown keys
def _json_schema(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    return adapter.json_schema()


def top_keys(path: Path) -> frozenset[str]:
    """The keys at the top of a file, to tell what kind it is; none where it is no mapping or no YAML."""
    try:
        data = _Reader(path, read_text(path)).read()
    except FileErrors:
        return frozenset()
    return _keys(data)


def _keys(data: Any) -> frozenset[str]:
    return frozenset(data) if isinstance(data, dict) else frozenset()


def place_of(path: Path, key: str) -> tuple[int, int]:
    """The line and column of the value of a key at the top of a file that can be read."""
    root: Any = yaml.compose(read_text(path), Loader=yaml.CBaseLoader)
    mark = next(value.start_mark for name, value in root.value if name.value == key)
    return mark.line + 1, mark.column + 1


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises FileErrors where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileErrors([FileError.whole(path, (error.strerror or str(error)).lower())]) from None


def read_text(path: Path) -> str:
    """The file's text without a byte order mark; raises FileErrors where it is missing or not UTF-8."""
    data = read_bytes(path)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        found = f"byte 0x{data[error.start]:02x}"
        raise FileErrors([FileError(path, *_line_and_column(before), found, "UTF-8 text")]) from None
    return text.removeprefix("\ufeff")


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """The known name that `wrong` looks like, else all of them."""
    names = list(known)
    near = get_close_matches(wrong, names, n=1)
    return f'"{near[0]}"' if near else _one_of(names)


def _one_of(names: list[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return f"one of {', '.join(quoted)}" if len(quoted) > 1 else "".join(quoted) or "nothing here"


def _line_and_column(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _syntax_error(path: Path, text: str, error: yaml.MarkedYAMLError) -> FileError:
    mark, problem = error.problem_mark or error.context_mark, (error.problem or str(error)).removeprefix("found ")
    if problem == "unexpected end of stream":  # what matters is where it began
        mark, problem = error.context_mark, "a quote without its end"
    line, column = (mark.line, mark.column) if mark else (0, 0)
    rest = (text.splitlines()[line : line + 1] or [""])[0][column:].strip(" ")[:40]
    found, expected = f'"{rest}"' if rest else "the end of the line", "YAML"
    if rest.startswith("\t"):
        found, expected = "a tab", "spaces"
    elif problem.startswith("did not find expected "):
        expected = problem.removeprefix("did not find expected ")
    else:
        found += f" ({problem})"
        expected = "YAML, with a text in quotes where it is not plain"
    return FileError(path, line + 1, column + 1, found, expected)


class _Reader:
    """YAML events -> dicts, lists and text.

    Events, not nodes: 100,000 subscribers would take 700 MB as nodes, and composing nodes crashes the interpreter
    on deep nesting. Positions of wrong values are looked up afterwards, if there are any.
    """

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text
        self._next = cast("Callable[[], yaml.Event]", yaml.CBaseLoader(text).get_event)
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = self._expanded = 0
        self.errors: list[FileError] = []  # those that do not stop the reading: keys twice or not text

    def read(self) -> Any:
        """The data of the only document; raises FileErrors with the first syntax error."""
        if control := _NOT_PRINTABLE.search(self._text):
            found = f"control character U+{ord(control[0]):04X}"
            position = _line_and_column(self._text[: control.start()])
            raise FileErrors([FileError(self._path, *position, found, "printable text")])
        try:
            self._next()  # start of the stream
            if isinstance(self._next(), yaml.StreamEndEvent):
                raise FileErrors([FileError(self._path, 1, 1, "an empty file", "a mapping (key: value)")])
            data = self._value(self._next(), 0)
            self._next()  # end of the document
            if isinstance(more := self._next(), yaml.DocumentStartEvent):
                raise self._stop(more, "a second document", "one document a file")
        except yaml.MarkedYAMLError as error:
            raise FileErrors([_syntax_error(self._path, self._text, error)]) from None
        return data

    def _value(self, event: yaml.Event, depth: int) -> Any:
        self._values += 1
        if isinstance(event, ScalarEvent):
            # a value not quoted and empty (or said to be null) is None, as everywhere in YAML
            value: Any = None if event.implicit[0] and event.value in ("", "~", "null") else event.value
            if event.anchor:
                self._anchors[event.anchor] = value, 1
            return value
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth == _MAX_DEPTH:
            raise self._stop(event, f"more than {_MAX_DEPTH} levels of nesting", "a flatter file")
        before = self._values + self._expanded
        value = self._list(depth) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(depth)
        if isinstance(event, yaml.CollectionStartEvent) and event.anchor:
            self._anchors[event.anchor] = value, self._values + self._expanded - before + 1
        return value

    def _alias(self, event: yaml.AliasEvent) -> Any:
        if event.anchor not in self._anchors:
            raise self._stop(event, f"*{event.anchor}", f"an anchor &{event.anchor} that ends before it")
        value, size = self._anchors[event.anchor]
        self._expanded += size
        if self._expanded > _MAX_EXPANSION:
            raise self._stop(event, f"aliases that stand for over {_MAX_EXPANSION:,} values", "fewer of them")
        return value

    def _list(self, depth: int) -> list[Any]:
        items = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = event.value if isinstance(event, ScalarEvent) else self._value(event, depth + 1)
            value = self._value(self._next(), depth + 1)
            if not isinstance(key, str):
                self.errors.append(_error_at(self._path, event, "a key that is no text", "a text as key"))
            elif key in data:
                self.errors.append(_error_at(self._path, event, f'a second key "{key}"', "each key once"))
            else:
                data[key] = value
        return data

    def _stop(self, event: yaml.Event, found: str, expected: str) -> FileErrors:
        return FileErrors([*self.errors, _error_at(self._path, event, found, expected)])


def _error_at(path: Path, marked: Any, found: str, expected: str) -> FileError:
    """An error at the start of a node or an event."""
    return FileError(path, marked.start_mark.line + 1, marked.start_mark.column + 1, found, expected)


def _found(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    text = node.value
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"' if text else "nothing"


class _Explainer:
    """pydantic's errors -> FileErrors' wording and positions."""

    def __init__(self, path: Path, text: str, adapter: TypeAdapter[Any]) -> None:
        self._path, self._adapter = path, adapter
        self._root: Any = yaml.compose(text, Loader=yaml.CBaseLoader)

    def explain(self, invalid: ValidationError) -> list[FileError]:
        return [error for details in invalid.errors() for error in self._explain(details)]

    def _explain(self, details: Any) -> Iterator[FileError]:
        kind, where, context = details["type"], details["loc"], details.get("ctx", {})
        if isinstance(problems := context.get("error"), Problems):
            for problem in problems.problems:
                node = self._node(where + problem.where)
                yield _error_at(self._path, node, _found(node), problem.expected)
            return
        key, node = self._locate(where)[0], self._node(where)
        if kind == "missing":
            _, node = self._locate(where[:-1])
            found, expected = f'no "{where[-1]}"', f'the required key "{where[-1]}"'
        elif kind in ("extra_forbidden", "unexpected_keyword_argument"):
            node, known = key or node, self._known_keys(where[:-1])
            found, expected = f'unknown key "{where[-1]}"', did_you_mean(str(where[-1]), known)
        else:
            found, expected = _found(node), expected_by(details)
        yield _error_at(self._path, node, found, expected)

    def _node(self, where: Where) -> Any:
        """The node that an error is about: a value or, where `[key]` is the last step, its key."""
        key, node = self._locate(where)
        return key if key and where and where[-1] == "[key]" else node

    def _locate(self, where: Where) -> tuple[Node | None, Any]:
        """The key and value nodes of an error; steps that pydantic adds for unions are passed over."""
        key, node = None, self._root
        for step in where:
            if isinstance(node, SequenceNode) and isinstance(step, int):
                key, node = None, node.value[step]
            elif isinstance(node, MappingNode):
                key, node = next((pair for pair in node.value if pair[0].value == step), (key, node))
        return key, node

    def _known_keys(self, where: Where) -> list[str]:
        """The keys of the mapping at `where`, read off the model's JSON schema."""
        schema = _json_schema(self._adapter)
        definitions = schema.get("$defs", {})
        nodes = [schema]
        for step in (*where, None):
            flat: list[dict[str, Any]] = []
            while nodes:
                node = nodes.pop()
                node = definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else node
                flat.append(node)
                nodes += node.get("anyOf", []) + node.get("oneOf", []) + node.get("allOf", [])
            below = [child for node in flat for child in _below(node, step)]
            nodes = below or flat  # no such step: one that pydantic adds for unions
        return sorted({name for node in nodes for name in node.get("properties", {})})


def _below(schema: dict[str, Any], step: int | str | None) -> Iterator[dict[str, Any]]:
    if isinstance(step, int) and "items" in schema:
        yield schema["items"]
    elif step in schema.get("properties", {}):
        yield schema["properties"][step]
    elif isinstance(step, str) and isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"]

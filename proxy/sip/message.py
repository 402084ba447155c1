"""SIP messages (RFC 3261 section 7), parsed lazily and forwarded byte for byte.

Parsing splits the start line and the header lines and no more; a value is decoded when it is asked for. Text is
decoded as UTF-8 with surrogateescape, so that bytes which are not UTF-8 survive the way through; bodies stay bytes.
Header names are asked for in their lower-case long form: `message.header("call-id")` finds `i:` as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NoReturn, Self

from proxy.sip.errors import BadRequest, KeepAlive, SipError, Unanswerable, VersionNotSupported, reason_for
from proxy.sip.headers import (
    KNOWN_NAMES,
    USUAL_METHODS,
    CSeq,
    NameAddr,
    Via,
    has_tag,
    is_token,
    parse_cseq,
    parse_name_addr,
    parse_via,
    split_values,
    unfolded,
    value_of,
)
from proxy.sip.shape import Shape, name_lines, shape_of, usual_shape

MAX_HEADER_LINES: Final = 256
PADDING = b"\r\n\0"  # what may come before a start line: keep-alives, and the end of a C string

_VERSION: Final = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)
_known: Final = KNOWN_NAMES.get


class Message:
    """The common part of requests and responses: header lines, in their order and as they came, and a body."""

    __slots__ = ("_call_id", "_cseq", "_from", "_to", "body", "lines", "shape")

    lines: list[str]  # header lines without CRLF; a folded one keeps its inner CRLF
    shape: Shape  # their names
    body: bytes
    _call_id: str | None  # these four are asked for again and again, and nobody changes them
    _cseq: CSeq | None
    _from: NameAddr | None
    _to: NameAddr | None

    @property
    def start_line(self) -> str:
        """The first line, as it goes on the wire."""
        raise NotImplementedError

    @property
    def names(self) -> tuple[str, ...]:
        """The canonical name of each line."""
        return self.shape.names

    def has(self, name: str) -> bool:
        """True where there is a line of that name."""
        return name in self.shape.first

    def header(self, name: str) -> str | None:
        """The value of the first line of that name, unfolded and stripped; None where there is none."""
        index = self.shape.first.get(name, -1)
        if index < 0:
            return None
        value = self.lines[index].partition(":")[2].strip()
        return unfolded(value) if "\r" in value else value

    def line(self, name: str) -> str:
        """The first line of that name as it came, "" where there is none: quicker than `header` to compare."""
        index = self.shape.first.get(name, -1)
        return "" if index < 0 else self.lines[index]

    def headers(self, name: str) -> list[str]:
        """The values of all lines of that name, not split at commas."""
        if name not in self.shape.first:
            return []
        return [value_of(self.lines[i]) for i, present in enumerate(self.shape.names) if present == name]

    def values(self, name: str) -> list[str]:
        """The values of a list header (Via, Route, Contact, ...), split at commas, over all its lines."""
        return [value for line in self.headers(name) for value in split_values(line)]

    def insert(self, index: int, name: str, value: str) -> None:
        """Put a header line in at an index of `lines`. `name` is as it shall appear on the wire."""
        self.lines.insert(index, f"{name}: {value}")
        self.shape = self.shape.inserted(index, name)

    def insert_all(self, index: int, name: str, values: list[str]) -> None:
        """Put several lines of one name in, from an index on: in one go, for there may be thousands."""
        names = self.shape.names
        self.lines[index:index] = [f"{name}: {value}" for value in values]
        more = [_known(name) or name.lower()] * len(values)
        self.shape = shape_of((*names[:index], *more, *names[index:]))

    def replace(self, name: str, value: str) -> None:
        """Give the first line of that name a new value, or add the line at the end."""
        canonical = _known(name) or name.lower()
        index = self.shape.first.get(canonical, -1)
        if index >= 0:
            self.lines[index] = f"{name}: {value}"
        else:
            self.insert(len(self.lines), name, value)

    def remove(self, name: str) -> None:
        """Take all lines of that name out."""
        index = self.shape.first.get(name, -1)
        if index >= 0 and name in self.shape.repeated:
            self.keep([place for place, present in enumerate(self.shape.names) if present != name])
        elif index >= 0:
            self.remove_line(index)

    def keep(self, places: list[int]) -> None:
        """Take out all lines but those of these indexes."""
        names, lines = self.shape.names, self.lines
        self.lines = [lines[place] for place in places]
        self.shape = shape_of(tuple([names[place] for place in places]))

    def remove_line(self, index: int) -> None:
        """Take one line out."""
        del self.lines[index]
        self.shape = self.shape.without(index)

    def say_length(self) -> None:
        """Add a Content-Length where there is none: streams are cut into messages by it (RFC 3261 18.3)."""
        if not self.has("content-length"):
            self.replace("Content-Length", str(len(self.body)))

    def remove_first_value(self, name: str) -> None:
        """Take the topmost value of a list header out, with its line where it was the only one."""
        index = self.shape.first[name]
        line = self.lines[index]
        if "," not in line:
            self.remove_line(index)
            return
        first, _, others = line.partition(",")
        if '"' not in first and "<" not in first and others[:1] == " " and others[1:2] > "," and "\r" not in line:
            self.lines[index] = f"{first[: first.find(':')]}:{others}"  # as nearly all are written
        elif len(rest := split_values(value_of(line))) > 1:
            self.lines[index] = f"{line.partition(':')[0]}: {', '.join(rest[1:])}"
        else:
            self.remove_line(index)

    @property
    def call_id(self) -> str:
        """Raises BadRequest where it is missing."""
        if self._call_id is None:
            self._call_id = self.header("call-id") or _missing("Call-ID")
        return self._call_id

    @property
    def cseq(self) -> CSeq:
        """Raises BadRequest where it is missing or malformed."""
        if self._cseq is None:
            self._cseq = parse_cseq(self.header("cseq") or _missing("CSeq"))
        return self._cseq

    @property
    def from_(self) -> NameAddr:
        """Raises BadRequest where it is missing or malformed."""
        if self._from is None:
            self._from = parse_name_addr(self.header("from") or _missing("From"))
        return self._from

    @property
    def to(self) -> NameAddr:
        """Raises BadRequest where it is missing or malformed."""
        if self._to is None:
            self._to = parse_name_addr(self.header("to") or _missing("To"))
        return self._to

    @property
    def refer_to(self) -> NameAddr:
        """The party that is to be called (RFC 3515 2.1). Raises BadRequest where it is missing or malformed."""
        return parse_name_addr(self.header("refer-to") or _missing("Refer-To"))

    @property
    def via(self) -> Via:
        """The topmost Via. Raises BadRequest where it is missing or malformed."""
        return parse_via(self.header("via") or _missing("Via"))

    def copy(self) -> Self:
        """A message that can be changed without changing this one."""
        raise NotImplementedError

    def encoded(self) -> bytes:
        """The message as it goes on the wire; `bytes()` of it is the same, but takes a detour."""
        head = "\r\n".join([self.start_line, *self.lines, "\r\n"]).encode("utf-8", "surrogateescape")
        return head + self.body if self.body else head

    def __bytes__(self) -> bytes:
        return self.encoded()


def _missing(shown: str) -> NoReturn:
    raise BadRequest(f"{shown} missing")


class Request(Message):
    """A SIP request. `uri` is the Request-URI as it came."""

    __slots__ = ("method", "uri")

    def __init__(self, method: str, uri: str, lines: list[str], shape: Shape, body: bytes) -> None:
        self.method = method
        self.uri = uri
        self.lines = lines
        self.shape = shape
        self.body = body
        self._call_id = self._cseq = self._from = self._to = None

    @classmethod
    def build(cls, method: str, uri: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> Request:
        """A new request; Content-Length is added. Raises ValueError for a header that holds a line break."""
        lines, names = _build_lines(headers, body)
        return cls(method, uri, lines, shape_of(tuple(names)), body)

    @property
    def start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"

    def copy(self) -> Request:
        copied = Request(self.method, self.uri, self.lines.copy(), self.shape, self.body)
        copied._call_id = self._call_id
        return copied

    def reply(
        self,
        status: int,
        reason: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        *,
        to_tag: str | None = None,
        body: bytes = b"",
    ) -> Response:
        """The response that a UAS makes (RFC 3261 8.2.6): Via, From, To, Call-ID, CSeq copied as they came.

        `to_tag` is added where To has none and the status is not 100; Timestamp is copied into 100.
        """
        lines: list[str] = []
        names: list[str] = []
        for index in self.shape.places(_COPIED_INTO_100 if status == 100 else _COPIED):
            line, name = self.lines[index], self.shape.names[index]
            if name == "to" and to_tag is not None and status != 100 and not has_tag(line):
                line = f"{line};tag={to_tag}"
            lines.append(line)
            names.append(name)
        more_lines, more_names = _build_lines(headers, body)
        shape = shape_of((*names, *more_names))
        return Response(status, reason or reason_for(status), lines + more_lines, shape, body)


class Response(Message):
    """A SIP response."""

    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str, lines: list[str], shape: Shape, body: bytes) -> None:
        self.status = status
        self.reason = reason
        self.lines = lines
        self.shape = shape
        self.body = body
        self._call_id = self._cseq = self._from = self._to = None

    @property
    def start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"

    def copy(self) -> Response:
        return Response(self.status, self.reason, self.lines.copy(), self.shape, self.body)


class Broken(SipError):
    """A request with a fault: the status to answer with, and the request as far as it was read, to be answered."""

    def __init__(self, fault: SipError, request: Request) -> None:
        super().__init__(fault.detail, status=fault.code, headers=fault.headers)
        self.request = request


def broken_request(error: SipError) -> Request | None:
    """The request that an error is about; None where silence is right: a response, or too little to reply to."""
    return error.request if isinstance(error, Broken) else None


_COPIED: Final = frozenset(("via", "from", "to", "call-id", "cseq"))
_COPIED_INTO_100: Final = _COPIED | {"timestamp"}
_EMPTY: Final = "Content-Length: 0"  # as most messages end


def parse(data: bytes) -> Request | Response:
    """Read one datagram, or one message that `stream.Framer` cut out.

    Raises Unanswerable for what is not SIP or cannot be answered, KeepAlive for padding alone, and Broken, with
    the request as far as it was read, for any other fault. Bytes beyond Content-Length are dropped (RFC 3261
    18.3), and so is padding before the start line: 7.5 asks for it on streams, and senders know no difference.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    # A lone CR or LF would be a line break to a lenient peer: nothing may hide behind it.
    together = "".join(lines)  # where a look is a fraction of counting bytes
    stray = "\n" in together or "\r" in together
    start = lines.pop(0)
    if start[:1] < "!":
        if not (padded := data.lstrip(PADDING)):
            raise KeepAlive("no message")
        if len(padded) < len(data):
            return parse(padded)
    if start.startswith("SIP/2.0 ") or (start[:2] in ("si", "Si", "sI", "SI") and start[:8].upper() == "SIP/2.0 "):
        return _parse_response(start, lines, body, broken=stray or not end)
    method, uri, version = _split_request_line(start)
    problem: SipError | None = None
    if (shape := usual_shape(method, lines)) is None:
        shape, problem = name_lines(lines)
    request = Request(method, uri, lines, shape, body)
    if len(lines) > MAX_HEADER_LINES:
        problem = BadRequest(f"more than {MAX_HEADER_LINES} header lines")
    if stray and any(_is_broken(lines[index]) for index in shape.places(_COPIED)):
        raise Unanswerable("line break in a header that the answer would repeat")
    if stray or not end:
        problem = BadRequest("line break outside a folded header" if stray else "no empty line after the headers")
    if version != "SIP/2.0" and version.upper() != "SIP/2.0":
        known = _VERSION.fullmatch(version) is not None
        problem = VersionNotSupported(version[:40]) if known else BadRequest("malformed Request-Line")
    elif not uri or " " in uri or "\t" in uri or not (method in USUAL_METHODS or is_token(method)):
        problem = BadRequest("malformed Request-Line")
    if problem is None:
        problem = _cut_body(request)
    if problem is not None:
        raise Broken(problem, request)
    return request


def _is_broken(line: str) -> bool:
    folds = line.count("\r\n ") + line.count("\r\n\t")
    return line.count("\r") != folds or line.count("\n") != folds


def _split_request_line(start: str) -> tuple[str, str, str]:
    """Method, Request-URI and version, as far as a line that may be broken shows them."""
    method, _, rest = start.partition(" ")
    uri, _, version = rest.rpartition(" ")
    if not method or (version != "SIP/2.0" and "SIP/" not in rest.upper()):
        raise Unanswerable(f"not a SIP start line: {start[:60]!r}")
    return method, uri, version


def _parse_response(start: str, lines: list[str], body: bytes, *, broken: bool) -> Response:
    code = start[8:11]
    problem: SipError | None = None
    if (shape := usual_shape(code, lines)) is None:
        shape, problem = name_lines(lines)
    if broken or problem or not (code.isascii() and code.isdigit()) or start[11:12] not in (" ", ""):
        raise Unanswerable(f"malformed response: {start[:60]!r}")
    response = Response(int(code), start[12:], lines, shape, body)
    if not 100 <= response.status <= 699 or len(lines) > MAX_HEADER_LINES or _cut_body(response):
        raise Unanswerable(f"malformed response: {start[:60]!r}")
    return response


def _cut_body(message: Message) -> SipError | None:
    lines = message.lines
    last = len(lines) - 1
    if not message.body and lines and lines[last] == _EMPTY and message.shape.first["content-length"] == last:
        return None
    text = message.header("content-length")
    if text is None:
        return None
    if len(text) > 9 and text[0] == "0":
        text = text.lstrip("0") or "0"
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        return BadRequest(f"Content-Length {text[:20]!r}")
    length = int(text)
    if length > len(message.body):
        return BadRequest("body shorter than Content-Length")
    if length < len(message.body):
        message.body = message.body[:length]
    return None


def _build_lines(headers: Iterable[tuple[str, str]], body: bytes) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    names: list[str] = []
    for name, value in headers:
        if "\n" in value or "\r" in value:
            raise ValueError(f"line break in the value of {name}: {value!r}")
        lines.append(f"{name}: {value}")
        names.append(_known(name) or name.lower())
    lines.append(f"Content-Length: {len(body)}")
    names.append("content-length")
    return lines, names

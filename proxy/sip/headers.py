"""Values of the header fields that the proxy and the agents read (RFC 3261 sections 20 and 25)."""

from __future__ import annotations

import re
from typing import Final

from proxy.sip.errors import BadRequest
from proxy.sip.uri import Params
from proxy.sip.value import Value

# Compact form and usual spellings -> the lower-case long form under which a header is asked for.
_LONG_FORMS: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
_COMMON: Final = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Alert-Info",
    "Allow",
    "Authorization",
    "Call-ID",
    "Call-Info",
    "Contact",
    "Content-Length",
    "Content-Type",
    "CSeq",
    "Date",
    "Diversion",
    "Expires",
    "From",
    "History-Info",
    "Identity",
    "In-Reply-To",
    "Max-Forwards",
    "Min-SE",
    "P-Access-Network-Info",
    "P-Asserted-Identity",
    "P-Early-Media",
    "P-Preferred-Identity",
    "Path",
    "Priority",
    "Privacy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Require",
    "RAck",
    "RSeq",
    "Reason",
    "Record-Route",
    "Remote-Party-ID",
    "Require",
    "Route",
    "Server",
    "Service-Route",
    "Session-Expires",
    "Subject",
    "Supported",
    "Timestamp",
    "To",
    "Unsupported",
    "User-Agent",
    "Via",
    "WWW-Authenticate",
    "Warning",
)
KNOWN_NAMES: Final[dict[str, str]] = {
    **{spelling: name.lower() for name in _COMMON for spelling in (name, name.lower(), name.upper())},
    **{spelling: name for letter, name in _LONG_FORMS.items() for spelling in (letter, letter.upper())},
}

_TOKEN: Final = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_HEADER_NAME: Final = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*")
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_DISPLAY_NAME: Final = re.compile(rf"\s*({_QUOTED}|[^<\"]*)")
_PLAIN_ADDR: Final = re.compile(r"<([^<>\"\s]*)>(?:;tag=([A-Za-z0-9\-.!%*_+`'~]+))?")  # as most addresses are written
_ANGLE_ADDR: Final = re.compile(r"\s*<([^<>]*)>\s*((?:;.*)?)", re.DOTALL)
_ADDR_SPEC: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.\-]*:[^<>;,\s\"]+)\s*((?:;.*)?)", re.DOTALL)
_PARAM: Final = re.compile(
    rf"\s*;\s*([A-Za-z0-9\-.!%*_+`'~]+)(?:\s*=\s*({_QUOTED}|\[[0-9A-Fa-f:.]+\]|[^;,\s\"<>]+))?\s*", re.DOTALL
)
_PLAIN_VIA: Final = re.compile(  # as nearly all are written
    r"SIP/2\.0/(UDP|TCP|TLS) (\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-_.]+)(?::([0-9]{1,4}|[1-5][0-9]{4}))?"
    r"(;rport)?;branch=([A-Za-z0-9\-.!%*_+`'~]+)(;rport)?"
)
_VIA: Final = re.compile(
    r"\s*SIP\s*/\s*2\.0\s*/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+"
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-_.]+)(?:\s*:\s*([0-9]{1,5}))?\s*((?:;(?:[^,\"]|" + _QUOTED + ")*)?)",
    re.IGNORECASE | re.DOTALL,
)
_CSEQ: Final = re.compile(r"([0-9]{1,10})\s+([A-Za-z0-9\-.!%*_+`'~]+)")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_SEPARATOR: Final = re.compile(r'[",<>\\]')
USUAL_METHODS: Final = frozenset(("INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "MESSAGE"))


def canonical_name(line: str) -> str:
    """The lower-case long form of a header line's name. Raises BadRequest where the line has none."""
    match = _HEADER_NAME.match(line)
    if match is None or line[match.end() : match.end() + 1] != ":":
        raise BadRequest(f"not a header line: {line[:40]!r}")
    return KNOWN_NAMES.get(match[1]) or _LONG_FORMS.get(match[1].lower()) or match[1].lower()


def is_token(text: str) -> bool:
    """True for `token` of RFC 3261 25.1."""
    return _TOKEN.fullmatch(text) is not None


def split_values(text: str) -> list[str]:
    """Split a comma-separated header value; commas inside quotes and angle brackets do not count."""
    if "," not in text:
        return [text]
    if '"' not in text and "<" not in text:
        return [value for part in text.split(",") if (value := part.strip())]
    # One pass, so that no pile of quotes and brackets costs more than its length.
    values: list[str] = []
    start = skip = 0
    inside = ""
    for match in _SEPARATOR.finditer(text):
        mark, position = match[0], match.start()
        if position < skip:
            continue
        if inside == '"':
            if mark == "\\":
                skip = position + 2
            elif mark == '"':
                inside = ""
        elif inside == "<":
            if mark == ">":
                inside = ""
        elif mark in '"<':
            inside = mark
        elif mark == ",":
            values.append(text[start:position].strip())
            start = position + 1
    values.append(text[start:].strip())
    return [value for value in values if value]


def parse_header_params(text: str) -> Params:
    """`;tag=1;x="a;b"` -> {"tag": "1", "x": "a;b"}. Raises BadRequest."""
    params: Params = {}
    position = 0
    while position < len(text):
        match = _PARAM.match(text, position)
        if match is None:
            raise BadRequest(f"malformed parameter {text[position : position + 40]!r}")
        value = match[2]
        params.setdefault(match[1].lower(), unquote(value) if value and value[0] == '"' else value)
        position = match.end()
    return params


def unquote(text: str) -> str:
    """Take the quotes and the escapes off a quoted-string; other text stays as it is."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return "".join(_ESCAPED.split(text[1:-1])) if "\\" in text else text[1:-1]
    return text


def quote(text: str) -> str:
    """A quoted-string of text; what could end the header line or the string is escaped or left out."""
    clean = "".join(c for c in text if c >= " " and c != "\x7f")
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


class NameAddr(Value):
    """name-addr or addr-spec with header parameters: From, To, Contact, Route, P-Asserted-Identity and their like."""

    __slots__ = ("display_name", "params", "uri")
    __match_args__ = ("display_name", "uri", "params")

    def __init__(self, display_name: str, uri: str, params: Params) -> None:
        self.display_name: Final = display_name
        self.uri: Final = uri
        self.params: Final = params

    @property
    def tag(self) -> str | None:
        """The dialog tag of a From or To (RFC 3261 19.3)."""
        return self.params.get("tag")


def parse_name_addr(text: str) -> NameAddr:
    """Read one address. Without brackets, parameters are the header's (RFC 3261 20.10). Raises BadRequest."""
    if text.startswith("<"):  # as most addresses are written: by means that take a fraction of a pattern's time
        uri, _, rest = text[1:].partition(">")
        if "<" not in uri and '"' not in uri and " " not in uri and uri.isprintable():
            if rest.startswith(";tag=") and rest[5:].replace("-", "").isalnum() and rest.isascii():
                return NameAddr("", uri, {"tag": rest[5:]})
            if not rest and len(uri) == len(text) - 2:
                return NameAddr("", uri, {})
    if plain := _PLAIN_ADDR.fullmatch(text):
        return NameAddr("", plain[1], {"tag": plain[2]} if plain[2] else {})
    name = _DISPLAY_NAME.match(text)
    if name is not None and (angle := _ANGLE_ADDR.fullmatch(text, name.end())):
        return NameAddr(unquote(name[1].strip()), angle[1].strip(), parse_header_params(angle[2]))
    match = _ADDR_SPEC.fullmatch(text)
    if match is None:
        raise BadRequest(f"malformed address {text[:60]!r}")
    return NameAddr("", match[1], parse_header_params(match[2]))


def value_of(line: str) -> str:
    """The value of a header line, unfolded and stripped."""
    value = line[line.find(":") + 1 :].strip()
    return unfolded(value) if "\r\n" in value else value


def unfolded(value: str) -> str:
    """Each fold, with the blanks around it, as one blank; by no pattern that tries at each of many blanks anew."""
    return " ".join(part.strip(" \t") for part in value.split("\r\n"))


def has_tag(line: str) -> bool:
    """True for a From or To line with a tag, be the line malformed."""
    if "tag" not in line.lower():
        return False
    try:
        return parse_name_addr(value_of(line)).tag is not None
    except BadRequest:
        return ";tag=" in line.lower()


class Via(Value):
    """One Via value (RFC 3261 20.42). `host` and `port` are the sent-by; IPv6 hosts keep their brackets."""

    __slots__ = ("host", "params", "port", "transport")
    __match_args__ = ("transport", "host", "port", "params")

    def __init__(self, transport: str, host: str, port: int | None, params: Params) -> None:
        self.transport: Final = transport
        self.host: Final = host
        self.port: Final = port
        self.params: Final = params

    @property
    def branch(self) -> str | None:
        """The transaction's name at the element that sent it."""
        return self.params.get("branch")


def parse_via(text: str) -> Via:
    """Read the first value of a Via line. Raises BadRequest."""
    sender, _, branch = text.partition(";branch=")
    sent_by = _SENT_BY.get(sender)
    if sent_by is not None and branch.replace("-", "").isalnum() and branch.isascii():
        transport, host, port = sent_by
        return Via(transport, host, port, {"branch": branch})
    if (plain := _PLAIN_VIA.fullmatch(text)) and not (plain[4] and plain[6]):
        transport, host, digits, _, branch, _ = plain.groups()
        port = int(digits) if digits else None
        if plain[4] or plain[6]:
            return Via(transport, host, port, {"branch": branch, "rport": None})
        if len(sender) <= _LONGEST_SENT_BY:
            if len(_SENT_BY) >= _MOST_SENT_BY:
                _SENT_BY.clear()
            _SENT_BY[sender] = transport, host, port
        return Via(transport, host, port, {"branch": branch})
    match = _VIA.match(text)
    if match is None or ((rest := text[match.end() :].lstrip()) and not rest.startswith(",")):
        raise BadRequest(f"malformed Via {text[:60]!r}")
    port = None if match[3] is None else int(match[3])
    if port is not None and port > 65535:
        raise BadRequest(f"Via port {port}")
    return Via(match[1].upper(), match[2], port, parse_header_params(match[4]))


_MOST_SENT_BY, _LONGEST_SENT_BY = 1024, 128  # the latter in characters
# The part of a Via before its branch, which all of a peer's have: transport, host and port. Of plain ones alone.
_SENT_BY: Final[dict[str, tuple[str, str, int | None]]] = {}


class CSeq(Value):
    """Sequence number and method (RFC 3261 20.16)."""

    __slots__ = ("method", "number")
    __match_args__ = ("number", "method")

    def __init__(self, number: int, method: str) -> None:
        self.number: Final = number
        self.method: Final = method


# As most calls have them: clients begin with 1, or somewhere near.
_USUAL_CSEQS: Final = {f"{number} {method}": CSeq(number, method) for number in range(200) for method in USUAL_METHODS}


def parse_cseq(text: str) -> CSeq:
    """Read a CSeq; the number must fit 31 bits (RFC 3261 8.1.1.5). Raises BadRequest."""
    if (usual := _USUAL_CSEQS.get(text)) is not None:
        return usual
    digits, _, method = text.partition(" ")
    if method in USUAL_METHODS and len(digits) <= 9 and digits.isdigit() and digits.isascii():
        return CSeq(int(digits), method)  # as nearly all are written
    match = _CSEQ.fullmatch(text)
    if match is None or (number := int(match[1])) >= 2**31:
        raise BadRequest(f"malformed CSeq {text[:40]!r}")
    return CSeq(number, match[2])

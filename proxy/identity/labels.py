"""The label that a phone shows of a call, written where phones read it; nothing that a caller sends can stand there.

Display names of From and P-Asserted-Identity, `verstat` (3GPP TS 24.229 7.2A.20), Call-Info (RFC 3261 20.9) and
Alert-Info (RFC 7462). URIs and tags stay as they are, so that the dialog stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from proxy.policy.treatments import Label
from proxy.policy.verdict import Verdict
from proxy.sip.errors import SipError
from proxy.sip.headers import parse_name_addr, quote, split_values, value_of
from proxy.sip.message import Message, Request

# A display name and the blanks before <; without brackets there is none.
_DISPLAY_NAME: Final = re.compile(r'\s*+(?:"(?:[^"\\]|\\.)*+"\s*+|[^<"]*+)(?=<)', re.DOTALL)


def spelt(text: str) -> str:
    """A pattern, to be used with IGNORECASE, of text whose characters may be %-escaped."""
    return "".join(f"(?:{re.escape(c)}|%{ord(c.lower()):02x}|%{ord(c.upper()):02x})" for c in text)


_BLANKS: Final = r"(?:\s|%20|%09)*"
_VERSTAT: Final = re.compile(
    f"{spelt(';')}{_BLANKS}{spelt('verstat')}{_BLANKS}(?:(?:=|%3d)[^;:@>]*|(?=[;:@>?]|%3b|$))", re.IGNORECASE
)


def put_label(request: Request, verdict: Verdict) -> None:
    """Have phones show the verdict's label, and no other name. Raises BadRequest for a From that cannot be read."""
    label = verdict.treatment
    if not isinstance(label, Label):
        return
    name = quote(verdict.label)
    request.from_  # noqa: B018  # raises
    request.replace("From", named(request.header("from") or "", name))
    rewrite(request, "P-Asserted-Identity", lambda value: _asserted(value, name, label.verstat))
    for forwarding in ("Diversion", "History-Info"):
        rewrite(request, forwarding, nameless)
    request.remove("remote-party-id")
    if label.info:
        request.replace("Call-Info", f"<{label.info}>;purpose=info")
    if label.ring:
        request.replace("Alert-Info", f"<{label.ring}>" + (f";info={label.ring_info}" if label.ring_info else ""))


def drop_verstat(request: Request) -> None:
    """Take out what a caller says of the verification of their own number."""
    line = request.line("from")
    if "%" in line or "verstat" in line.lower():
        value = request.header("from") or ""
        name = _DISPLAY_NAME.match(value)
        start = name.end() if name else 0
        cleaned = value[:start] + _VERSTAT.sub("", value[start:])
        if cleaned != value:
            request.replace("From", cleaned)


def named(value: str, name: str) -> str:
    """An address with another display name; `name` is a quoted-string."""
    if shown := _DISPLAY_NAME.match(value):
        return f"{name} {value[shown.end() :]}"
    uri, semicolon, params = value.strip().partition(";")  # parameters without brackets are the header's
    return f"{name} <{uri}>{semicolon}{params}"


def rewrite(request: Message, name: str, rewritten: Callable[[str], str]) -> None:
    """Write each value of a list header anew, one a line; those that come out as "" go."""
    lowered = name.lower()
    for index in reversed([i for i, present in enumerate(request.names) if present == lowered]):
        values = [rewritten(value) for value in split_values(value_of(request.lines[index]))]
        request.remove_line(index)
        request.insert_all(index, name, [value for value in values if value])


def nameless(value: str) -> str:
    """An address without its display name, "" where it cannot be read."""
    try:
        parse_name_addr(value)
    except SipError:
        return ""
    shown = _DISPLAY_NAME.match(value)
    return value[shown.end() :] if shown else value


def _asserted(value: str, name: str, verstat: str | None) -> str:
    """A value of P-Asserted-Identity as it is to be shown, "" where it cannot be read."""
    try:
        parse_name_addr(value)
    except SipError:
        return ""
    shown = named(value, name)
    if verstat is None:
        return shown
    start = len(name) + 2
    end = shown.index(">", start)
    return f"{shown[:start]}{_verified(shown[start:end].strip(), verstat)}{shown[end:]}"


def _verified(uri: str, verstat: str) -> str:
    """A URI with that verstat: among the parameters of the number, before the @ (or the password) of a sip URI."""
    uri = _VERSTAT.sub("", uri)
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "tel":
        return f"{uri};verstat={verstat}"
    user, at, host = rest.partition("@")
    if not at:
        return uri
    number, colon, password = user.partition(":")
    return f"{scheme}:{number};verstat={verstat}{colon}{password}{at}{host}"

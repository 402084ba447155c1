"""Headers by which a scenario's calls name the caller beside From: values -> header lines, checked as lint tells them.

An address is a number, a subscriber, a URI, or a name with a URI in angle brackets. Numbers and subscribers become SIP
URIs of the lab's domain; what holds a URI is sent as it is written. Several values are a list, each a header line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from pydantic import ValidationInfo, field_validator

from proxy.files.yaml_file import Problem, Problems, did_you_mean
from proxy.sip.errors import SipError
from proxy.sip.headers import canonical_name, is_token, parse_name_addr, split_values
from proxy.sip.uri import Params, ServiceUrn, parse_uri
from simulator.agents.orders import DOMAIN
from simulator.scenario.fields import Model, Texts, subscriber_names

USER_PART = re.compile(r"[A-Za-z0-9\-_.!~*'()%&=+$,;?/]+")  # RFC 3261 section 25.1

_ADDRESS = "a number, a subscriber, a URI, or a name with a URI, such as 'Bank <sip:+6591234567@example.com>'"
_PRIVACY = ("id", "user", "header", "session", "history", "critical", "none")  # RFC 3323, RFC 3325, RFC 7044
_PRIORITY = ("emergency", "urgent", "normal", "non-urgent", "psap-callback")  # RFC 3261 20.26, RFC 7090
_HIDES = ("full", "name", "uri", "off")  # draft-ietf-sip-privacy-04
_PASSPORT = re.compile(r"(?:[\w-]+\.[\w-]+|\.)\.[\w-]+[ \t]*;", re.ASCII)  # RFC 8224 4; compact: section 7
_INFO = re.compile(r";[ \t]*info[ \t]*=[ \t]*<[^<>\s]+>", re.IGNORECASE)
_HEADER_PARAM = re.compile(r";[ \t]*(party|privacy|screen|reason|counter|index)[ \t]*=", re.IGNORECASE)
_INDEX = re.compile(r"[0-9]+(?:\.[0-9]+)*")
# What agents write themselves, as the call needs it.
_WRITTEN_BY_AGENTS = frozenset(
    (
        "call-id",
        "contact",
        "content-length",
        "content-type",
        "cseq",
        "from",
        "max-forwards",
        "to",
        "via",
        "x-ringfence-call",
    )
)
Check = Callable[[Params], str]  # what was expected of an address's parameters, "" where they are right
_Values = tuple[str, ...]
Lines = tuple[tuple[str, str], ...]


class CallerHeaders(Model):
    """Headers of a call or text about its caller, beside From. `headers` are others, such as "Subject: hello"."""

    asserted: Texts = ()
    remote_party_id: Texts = ()
    diversion: Texts = ()
    history_info: Texts = ()
    identity: Texts = ()
    privacy: Texts = ()
    priority: str | None = None
    headers: Texts = ()

    def lines(self, number_of: Callable[[str], str]) -> Lines:
        """The header lines in the order in which they are sent; `number_of` gives a subscriber's number, and leaves
        all else as it is."""

        def uri(text: str, params: str = "") -> str:
            return f"<sip:{number_of(text)}@{DOMAIN}{params}>"

        asserted = (_written(text) or uri(text) for text in self.asserted)
        parties = (_written(text) or f"{uri(text)};party=calling;screen=yes" for text in self.remote_party_id)
        diverting = (_written(text) or f"{uri(text)};reason=unconditional" for text in self.diversion)
        return (
            *(("P-Asserted-Identity", value) for value in asserted),
            *(("Remote-Party-ID", value) for value in parties),
            *(("Diversion", value) for value in diverting),
            *(("History-Info", value) for value in _history(self.history_info, uri)),
            *(("Identity", value) for value in self.identity),
            *([("Privacy", ";".join(self.privacy))] if self.privacy else []),
            *([("Priority", self.priority)] if self.priority else []),
            *((name, value.strip()) for name, _, value in (line.partition(":") for line in self.headers)),
        )

    @field_validator("asserted")
    @classmethod
    def _asserts_identities(cls, texts: _Values, info: ValidationInfo) -> _Values:
        """One value, or one with a SIP URI and one with a tel URI (RFC 3325 9.1)."""
        schemes = [scheme for text in _addresses(texts, info) for scheme in _schemes(text)]
        if len(schemes) > 1 and sorted(schemes) != ["sip", "tel"]:
            raise ValueError("one identity, or a SIP and a tel URI (RFC 3325 9.1); `headers` sends what you like")
        return texts

    @field_validator("diversion")
    @classmethod
    def _diverts(cls, texts: _Values, info: ValidationInfo) -> _Values:
        _addresses(texts, info)
        return texts

    @field_validator("remote_party_id")
    @classmethod
    def _names_parties(cls, texts: _Values, info: ValidationInfo) -> _Values:
        _addresses(texts, info, _party)
        return texts

    @field_validator("history_info")
    @classmethod
    def _tells_history(cls, texts: _Values, info: ValidationInfo) -> _Values:
        _addresses(texts, info, _entry)
        return texts

    @field_validator("identity")
    @classmethod
    def _is_signed(cls, texts: _Values) -> _Values:
        def wrong(text: str) -> str:
            if _is_one_line(text) and _PASSPORT.match(text) and _INFO.search(text):
                return ""
            return "a PASSporT and where its certificate is: header.payload.signature;info=<https://...> (RFC 8224 4)"

        _check(texts, wrong)
        return texts

    @field_validator("privacy")
    @classmethod
    def _is_a_wish(cls, texts: _Values) -> _Values:
        seen: list[str] = []

        def wrong(text: str) -> str:
            for wish in text.lower().split(";"):
                if (wish := wish.strip()) not in _PRIVACY:
                    return f"wishes joined by ;, each of them {did_you_mean(wish, _PRIVACY)}"
                if wish in seen or (seen and "none" in (wish, *seen)):
                    return "each wish once" if wish in seen else "none alone (RFC 3323 4.2)"
                seen.append(wish)
            return ""

        _check(texts, wrong)
        return texts

    @field_validator("priority")
    @classmethod
    def _is_a_priority(cls, text: str | None) -> str | None:
        if text is not None and text.lower() not in _PRIORITY:
            raise ValueError(f"a priority: {did_you_mean(text, _PRIORITY)}")
        return text

    @field_validator("headers")
    @classmethod
    def _are_header_lines(cls, texts: _Values) -> _Values:
        def wrong(text: str) -> str:
            try:
                name = canonical_name(text)
            except SipError:
                name = ""
            if not name or not is_token(text.partition(":")[0]) or not _is_one_line(text):
                return 'a header line, such as "Subject: hello"'
            return f"another header: agents write {name} themselves" if name in _WRITTEN_BY_AGENTS else ""

        _check(texts, wrong)
        return texts


def _check(texts: Iterable[str], wrong: Callable[[str], str]) -> None:
    """Raise Problems with what `wrong` says was expected of each text."""
    problems = [Problem((i,), expected) for i, text in enumerate(texts) if (expected := wrong(text))]
    if problems:
        raise Problems(problems)


def _addresses(texts: _Values, info: ValidationInfo, check: Check | None = None) -> _Values:
    """The texts; raises Problems where one is no address, or its parameters are not what `check` wants."""
    known = subscriber_names(info)

    def wrong(text: str) -> str:
        if not _is_one_line(text):
            return _ADDRESS
        if "<" not in text and (param := _HEADER_PARAM.search(text)):
            return f"the URI in angle brackets, so that {param[1]} is a parameter of the header"
        if not _has_uri(text):
            is_one = text in known or (USER_PART.fullmatch(text) and is_number_like(text))
            return "" if is_one else f"{_ADDRESS}; subscribers: {did_you_mean(text, known)}"
        for value in split_values(text):
            try:
                address = parse_name_addr(_bracketed(value))
                if isinstance(parse_uri(address.uri), ServiceUrn):
                    return _ADDRESS
            except SipError as error:
                return f"{_ADDRESS} ({error})"
            if check is not None and (expected := check(address.params)):
                return expected
        return ""

    _check(texts, wrong)
    return texts


def is_number_like(text: str) -> bool:
    """True if a text may be meant as a number, be it a wrong one, or says that it is withheld."""
    return any(character.isdigit() for character in text) or text.lower() == "anonymous"


def is_presentable(text: str) -> bool:
    """True if From can hold it: the user part of a SIP URI, or a whole SIP or tel URI."""
    if ":" not in text:
        return USER_PART.fullmatch(text) is not None
    try:
        return not isinstance(parse_uri(text), ServiceUrn) and not set(text) & set(' <>"')
    except SipError:
        return False


def _party(params: Params) -> str:
    for name, allowed in (("party", ("calling", "called")), ("screen", ("yes", "no"))):
        if name in params and (params[name] or "").lower() not in allowed:
            return f"{name}={' or '.join(allowed)}"
    hides = (params.get("privacy") or "").lower().split("-")[0]
    return f"privacy={', '.join(_HIDES)}" if "privacy" in params and hides not in _HIDES else ""


def _entry(params: Params) -> str:
    if "index" in params and not _INDEX.fullmatch(params["index"] or ""):
        return "an index of numbers and dots, such as index=1.1 (RFC 7044 5)"
    return ""


def _history(texts: Sequence[str], uri: Callable[[str, str], str]) -> Iterator[str]:
    """Entries from who was called first to who is called now, each mapped from the one before (RFC 7044, RFC 4458)."""
    index = parent = ""
    for text in texts:
        index = f"{parent}.1" if parent else "1"
        if not (written := _written(text)):
            forwarded = f";mp={parent}" if parent else ""
            yield f"{uri(text, ';cause=302' if parent else '')};index={index}{forwarded}"
        elif "index" in parse_name_addr(split_values(written)[-1]).params:
            yield written
        else:
            yield f"{written};index={index}"
        parent = index


def _schemes(text: str) -> list[str]:
    """Of each address in a text the scheme; sips is a kind of sip."""
    if not _has_uri(text):
        return ["sip"]
    uris = [parse_uri(parse_name_addr(_bracketed(value)).uri) for value in split_values(text)]
    return ["tel" if uri.scheme == "tel" else "sip" for uri in uris]


def _written(text: str) -> str:
    """The header value that a text with a URI is; "" for a number or a subscriber."""
    return ", ".join(map(_bracketed, split_values(text))) if _has_uri(text) else ""


def _has_uri(text: str) -> bool:
    return "<" in text or ":" in text


def _bracketed(value: str) -> str:
    """Outside brackets, the URI's own parameters would be the header's (RFC 3261 20)."""
    return value if "<" in value else f"<{value}>"


def one_line(text: str) -> str:
    """The text; raises ValueError where it would not stand in one header line."""
    if not _is_one_line(text):
        raise ValueError("text without line breaks and control characters")
    return text


def _is_one_line(text: str) -> bool:
    return all(character.isprintable() for character in text)

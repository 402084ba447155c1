"""SIP messages as they pass in the lab -> events: whose call, between which lifelines, and what phones do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from proxy.observability.message_log import call_id_of
from proxy.sip.errors import SipError
from proxy.sip.message import Request, parse
from proxy.sip.uri import SipUri, TelUri, parse_uri
from simulator.addresses import Address
from simulator.agents.orders import CALL_HEADER
from simulator.judging.evidence import PhoneSaw
from simulator.stage.events import Event, Lifeline, Message, Phone, Text
from simulator.stage.masking import message_without_pin, text_without_pin

_LEG = re.compile(re.escape(f"\r\n{CALL_HEADER}: ".encode()) + rb"([^\r\n]*)", re.IGNORECASE)
_LONGEST = 8192  # characters of a message that are shown
_NAME = 200  # characters of a name
_OPENS = (b"INVITE ", b"MESSAGE ", b"REFER ")
_MOST_OPENINGS = 4
_TIMED = (b"INVITE ", b"SIP/2.0 180 ")
_SORT = 8  # bytes that tell these apart
_WAYS = 4  # through the proxy: INVITE and 180, on the legs before and behind the softswitch
_ANSWER = re.compile(rb"SIP/2\.0 (\d{3}) .*?\r\nCSeq\s*:[ \t]*\d+[ \t]+(\w+)", re.IGNORECASE | re.DOTALL)


@dataclass(slots=True)
class _Followed:
    """A call whose messages are followed; `phone` is the subscriber whose phone it is at, in `state` `since` a time,
    and what that shows. `openings` are the requests with which it came to the proxy, `came` when its INVITEs and 180s
    did, and `transits` how long each took until it was behind the proxy. `phone_saw` is what passed at the phone."""

    legs: list[str] = field(default_factory=list)
    openings: list[bytes] = field(default_factory=list)
    came: dict[tuple[str, bytes], float] = field(default_factory=dict)
    transits: list[float] = field(default_factory=list)
    phone_saw: PhoneSaw = field(default_factory=PhoneSaw)
    phone: str = ""
    state: Literal["idle", "ringing", "talking"] = "idle"
    since: float = 0.0
    caller: str = ""
    display_name: str = ""
    label: str = ""

    def at_phone(self, at: float, call: str) -> Phone:
        """The phone as it is now."""
        if self.state == "idle":
            return Phone(at, self.phone, "idle", call, "", "", "")
        return Phone(at, self.phone, self.state, call, self.caller, self.display_name, self.label)


class Watching:
    """Makes events of messages. `elements` are proxy and softswitch, by address, `phones` the subscribers by the user
    part under which they register, and `clock` what to add to the time of a message to get seconds since 1970.

    Messages of calls that were not begun by `begin`, such as registrations, are nobody's.
    """

    def __init__(
        self, elements: Mapping[Address, Lifeline], phones: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self._elements = elements
        self._phones = phones
        self._clock = clock
        self._calls: dict[str, _Followed] = {}
        self._legs: dict[str, str] = {}

    def begin(self, call: str) -> None:
        """Follow a call from now on."""
        self._calls[call] = _Followed()

    def end(self, call: str) -> None:
        """Follow it no more."""
        followed = self._calls.pop(call, None)
        for leg in followed.legs if followed else ():
            self._legs.pop(leg, None)

    def seen(self, at: float, data: bytes, transport: str, sender: Address, receiver: Address) -> Iterator[Event]:
        """The events of one message; nothing where it is of no call that is followed."""
        call_id = call_id_of(data) or ""
        near = call_id in self._calls
        call = call_id if near else self._legs.get(call_id) or self._new_leg(call_id, data)
        if not call:
            if data.startswith(b"MESSAGE ") and self._lifeline(receiver, near=False) == "phone":
                yield from self._text_from_operator(at + self._clock(), data)
            return
        self._pass(self._calls[call], at, data, call_id, sender, receiver, near=near)
        since_1970 = at + self._clock()
        from_, to = self._lifeline(sender, near=near), self._lifeline(receiver, near=near)
        text = message_without_pin(data.decode("utf-8", "replace"))
        yield Message(since_1970, call, from_, to, transport, text.partition("\r\n")[0][:_LONGEST], text[:_LONGEST])
        if not near and "phone" in (from_, to):
            self._calls[call].phone_saw = _seen_at_phone(self._calls[call].phone_saw, at, data, to_phone=to == "phone")
            yield from self._at_phone(since_1970, call, data, to_phone=to == "phone")

    def openings(self, call: str) -> tuple[bytes, ...]:
        """The requests with which a call came to the proxy: two where its caller was asked for a proof."""
        followed = self._calls.get(call)
        return tuple(followed.openings) if followed else ()

    def phone_saw(self, call: str) -> PhoneSaw:
        """The evidence of the phone that a call reached, whoever has it."""
        followed = self._calls.get(call)
        return followed.phone_saw if followed is not None else PhoneSaw()

    def delay(self, call: str) -> float | None:
        """The seconds that a call spent on its ways through the proxy until it rang; None where some are not known."""
        followed = self._calls.get(call)
        if followed is None or len(followed.transits) != _WAYS:
            return None
        return sum(followed.transits)

    def _pass(
        self,
        followed: _Followed,
        at: float,
        data: bytes,
        call_id: str,
        sender: Address,
        receiver: Address,
        *,
        near: bool,
    ) -> None:
        if (
            near
            and self._elements.get(receiver) == "proxy"
            and data.startswith(_OPENS)
            and len(followed.openings) < _MOST_OPENINGS
        ):
            followed.openings.append(data)
        if not data.startswith(_TIMED):
            return
        key = call_id, data[:_SORT]
        if self._elements.get(receiver) == "proxy":
            followed.came.setdefault(key, at)
        elif self._elements.get(sender) == "proxy" and key in followed.came and followed.came[key] >= 0:
            followed.transits.append(at - followed.came[key])
            followed.came[key] = -1.0  # later ones are sent again

    def _new_leg(self, call_id: str, data: bytes) -> str | None:
        named = _LEG.search(data)
        if named is None:
            return None
        near = named[1].decode("utf-8", "replace").strip()
        call = near if near in self._calls else self._legs.get(near)
        if call is not None:
            self._legs[call_id] = call
            self._calls[call].legs.append(call_id)
        return call

    def _lifeline(self, address: Address, *, near: bool) -> Lifeline:
        return self._elements.get(address) or ("caller" if near else "phone")

    def labelled(self, call: str, label: str) -> Iterator[Event]:
        """The proxy said what the phone shows of a call; it may ring by now, and has shown it since it did."""
        followed = self._calls.get(call)
        if followed is None or not label:
            return
        followed.label = label
        if followed.state != "idle":
            yield followed.at_phone(followed.since, call)

    def _at_phone(self, at: float, call: str, data: bytes, *, to_phone: bool) -> Iterator[Event]:
        followed = self._calls[call]
        if to_phone and data.startswith((b"INVITE ", b"MESSAGE ")):
            yield from self._comes(at, call, followed, data)
        elif followed.phone:
            state = _state_after(data, to_phone=to_phone)
            if state is not None and state != followed.state:
                followed.state, followed.since = state, at
                yield followed.at_phone(at, call)

    def _comes(self, at: float, call: str, followed: _Followed, data: bytes) -> Iterator[Event]:
        request = opening(data)
        name = self._phones.get(_user(request.uri), "") if request is not None else ""
        if request is None or not name:
            return
        caller, display_name = shown_by(request)
        if request.method == "MESSAGE":
            yield Text(at, name, call, caller, _body(request))
            return
        followed.phone, followed.state = name, "idle"
        followed.caller, followed.display_name = caller, display_name

    def _text_from_operator(self, at: float, data: bytes) -> Iterator[Event]:
        """A text that is of no call: the proxy's answer to an order, or its notice of a refused call."""
        request = opening(data)
        name = self._phones.get(_user(request.uri), "") if request is not None else ""
        if request is not None and name:
            yield Text(at, name, "", shown_by(request)[0], _body(request))


def opening(data: bytes) -> Request | None:
    """The request in these bytes, where it begins a call or is a text."""
    try:
        request = parse(data)
        return request if isinstance(request, Request) and request.to.tag is None else None
    except SipError:
        return None


def shown_by(request: Request) -> tuple[str, str]:
    """The caller's number or name, and display name, as the phone gets them."""
    try:
        shown = request.from_
    except SipError:
        return "", ""
    return _user(shown.uri)[:_NAME], shown.display_name[:_NAME]


def _body(request: Request) -> str:
    return text_without_pin(request.body.decode("utf-8", "replace"))[:_LONGEST]


def _seen_at_phone(saw: PhoneSaw, at: float, data: bytes, *, to_phone: bool) -> PhoneSaw:
    """The evidence of a phone, after a message to it or from it."""
    if to_phone:
        is_first = data.startswith((b"INVITE ", b"MESSAGE ")) and saw.first_invite is None
        return replace(saw, invites=1, first_invite=at) if is_first else saw
    answer = _ANSWER.match(data)
    if answer is None or answer[2].upper() not in (b"INVITE", b"MESSAGE") or int(answer[1]) < 200 or saw.status:
        return saw
    return replace(saw, status=int(answer[1]))


def _state_after(data: bytes, *, to_phone: bool) -> Literal["idle", "ringing", "talking"] | None:
    """The state of a phone after a message; None where it says nothing of it."""
    if data.startswith((b"BYE ", b"CANCEL ")):
        return "idle"
    answer = None if to_phone else _ANSWER.match(data)
    if answer is None or answer[2].upper() != b"INVITE":
        return None
    status = int(answer[1])
    if status in (180, 181, 182, 183):
        return "ringing"
    if status < 200:
        return None
    return "talking" if status < 300 else "idle"


def _user(uri: str) -> str:
    """The user part of a URI as people read it; the URI itself where it has none."""
    try:
        parsed = parse_uri(uri)
    except SipError:
        return uri[:_NAME]
    if isinstance(parsed, SipUri):
        return parsed.user or parsed.host
    return parsed.number if isinstance(parsed, TelUri) else uri[:_NAME]

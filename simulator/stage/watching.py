"""SIP messages as they pass in the lab -> events: whose call, between which lifelines, and what phones do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from proxy.observability.message_log import call_id_of
from proxy.sip.errors import SipError
from proxy.sip.message import Request, parse
from proxy.sip.uri import SipUri, TelUri, parse_uri
from simulator.addresses import Address
from simulator.agents.orders import CALL_HEADER
from simulator.stage.events import Event, Lifeline, Message, Phone, Text

_LEG = re.compile(re.escape(f"\r\n{CALL_HEADER}: ".encode()) + rb"([^\r\n]*)", re.IGNORECASE)
_LONGEST = 8192  # characters of a message that are shown
_NAME = 200  # characters of a name
_ANSWER = re.compile(rb"SIP/2\.0 (\d{3}) .*?\r\nCSeq\s*:[ \t]*\d+[ \t]+(\w+)", re.IGNORECASE | re.DOTALL)


@dataclass(slots=True)
class _Followed:
    """A call whose messages are followed; `phone` is the subscriber whose phone it is at, in `state`, and what that
    shows."""

    legs: list[str] = field(default_factory=list)
    phone: str = ""
    state: Literal["idle", "ringing", "talking"] = "idle"
    caller: str = ""
    display_name: str = ""
    label: str = ""

    def at_phone(self, at: float, call: str) -> Phone:
        """The phone as it is now."""
        if self.state == "idle":
            return Phone(at, self.phone, "idle", call, "", "", "")
        return Phone(at, self.phone, self.state, call, self.caller, self.display_name, self.label)


class Watching:
    """Makes events of messages. `proxy` and `softswitch` are their addresses, `phones` the subscribers by the user part
    under which they register, and `clock` what to add to the time of a message to get seconds since 1970.

    Messages of calls that were not begun by `begin`, such as registrations, are nobody's.
    """

    def __init__(
        self, proxy: Address, softswitch: Address, phones: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self._proxy = proxy
        self._softswitch = softswitch
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
            return
        since_1970 = at + self._clock()
        from_, to = self._lifeline(sender, near=near), self._lifeline(receiver, near=near)
        text = data.decode("utf-8", "replace")
        yield Message(since_1970, call, from_, to, transport, text.partition("\r\n")[0][:_LONGEST], text[:_LONGEST])
        if not near and "phone" in (from_, to):
            yield from self._at_phone(since_1970, call, data, to_phone=to == "phone")

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
        if address == self._proxy:
            return "proxy"
        if address == self._softswitch:
            return "softswitch"
        return "caller" if near else "phone"

    def labelled(self, at: float, call: str, label: str) -> Iterator[Event]:
        """The proxy said what the phone shows of a call; it may ring by now."""
        followed = self._calls.get(call)
        if followed is None or not label:
            return
        followed.label = label
        if followed.state != "idle":
            yield followed.at_phone(at, call)

    def _at_phone(self, at: float, call: str, data: bytes, *, to_phone: bool) -> Iterator[Event]:
        followed = self._calls[call]
        if to_phone and data.startswith((b"INVITE ", b"MESSAGE ")):
            yield from self._comes(at, call, followed, data)
        elif followed.phone:
            state = _state_after(data, to_phone=to_phone)
            if state is not None and state != followed.state:
                followed.state = state
                yield followed.at_phone(at, call)

    def _comes(self, at: float, call: str, followed: _Followed, data: bytes) -> Iterator[Event]:
        try:
            request = parse(data)
            if not isinstance(request, Request) or request.to.tag is not None:
                return
            name = self._phones.get(_user(request.uri), "")
            shown = request.from_
        except SipError:
            return
        caller = _user(shown.uri)
        if not name:
            return
        if request.method == "MESSAGE":
            yield Text(at, name, call, caller, request.body.decode("utf-8", "replace")[:_LONGEST])
            return
        followed.phone, followed.state = name, "idle"
        followed.caller, followed.display_name = caller[:_NAME], shown.display_name[:_NAME]


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

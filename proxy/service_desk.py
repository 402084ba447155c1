"""Where texts to a service number and star codes are dealt with, and notices of refused calls are written. Sans-IO.

Who orders is the subscriber who proved to be calling (`auth: digest`), else the one that the access trunk vouches for,
by P-Asserted-Identity or From. From other trunks nobody can order anything.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.authentication import SPOOFED
from proxy.numbers import Number
from proxy.policy.precedence import CALLERS_OWN, Action
from proxy.policy.verdict import Step, Verdict
from proxy.sip.message import Request
from proxy.subscribers.changes import Change, Overlay
from proxy.subscribers.notices import Notices
from proxy.subscribers.profile import PATTERN, Subscriber
from proxy.subscribers.self_service import Reply, SelfService, read_code

if TYPE_CHECKING:
    from proxy.policy.call import Call
    from proxy.policy.snapshot import Snapshot

RULE = "self_service"  # as call records name what was decided here
# Refusals that are between the caller and their own operator.
_NOT_THE_CALLEES = CALLERS_OWN | {SPOOFED}
_TEXT = ("Content-Type", "text/plain;charset=UTF-8")


@dataclass(frozen=True, slots=True)
class Served:
    """What becomes of an order: `verdict` and `call` are for its record, the latter without the PIN.

    Where the verdict is no refusal, `text` is to be sent to the switch, a MESSAGE is answered with 200, and an INVITE
    goes on to the service of the switch that announces the outcome.
    """

    verdict: Verdict
    call: Call
    text: Request | None = None


class ServiceDesk:
    """Deals with orders. What they change is in force at once (`overlay`) and waits in `changes` to be saved."""

    def __init__(self, service: SelfService, overlay: Overlay, notices: Notices, realm: str) -> None:
        self.changes: list[Change] = []
        self._service = service
        self._overlay = overlay
        self._notices = notices
        self._realm = realm

    def serve(self, call: Call, body: bytes, snapshot: Snapshot) -> Served | None:
        """Deal with an order; None where the call is none. What the policy says of an order counts for nothing."""
        dialled, vocabulary = call.callee.digits, self._service.vocabulary
        code = None
        if call.method == "INVITE":
            code = read_code(dialled) if dialled[:1] in ("*", "#") else None
            if code is None or code.service not in vocabulary.codes:
                return None
            call = call._replace(callee=Number(code.masked, code.masked, None, call.callee.region, _kind="short_code"))
        elif call.method != "MESSAGE" or dialled not in vocabulary.numbers:
            return None
        if call.trunk_kind != "access":
            return _refused(call, f"an order from trunk {call.trunk}, which no phone is on")
        subscriber = _find(call.caller, snapshot)
        if subscriber is None:
            return _refused(call, f"an order from {call.caller.presented}, who is no subscriber")
        if code is None:
            sender, text = dialled, body.decode("utf-8", "replace")
            reply = self._service.by_text(subscriber, dialled, text, snapshot.numbering)
        else:
            sender, wrong = vocabulary.numbers[0], self._overlay.wrong_pins(subscriber.number)
            reply = self._service.by_code(subscriber, code, wrong, call.arrival)
        self._take_over(reply)
        detail = f"{call.callee.presented} by {subscriber.number}: {reply.prompt}"
        action: Action = "allow" if code is None else "divert"
        service = "" if code is None else f"rf*play*{reply.prompt}"
        verdict = Verdict(action, None, "", RULE, detail, (Step(RULE, "enforce", action, detail),), service=service)
        return Served(verdict, call, self._text(sender, subscriber.number, reply.text))

    def notice(self, call: Call, verdict: Verdict, snapshot: Snapshot) -> Request | None:
        """The text that tells a subscriber of a refused call; None where they do not want any, or had enough."""
        if verdict.action != "reject" or verdict.rule in _NOT_THE_CALLEES or call.method == "REFER":
            return None
        called = _find(call.callee, snapshot)
        if called is None or not called.notify:
            return None
        number = call.caller.e164 or call.caller.digits
        hidden = bool(call.withheld) or not PATTERN.fullmatch(number)
        if not self._notices.due(called.number, "" if hidden else number, call.arrival):
            return None
        text = self._service.notice("" if hidden else number, verdict.rule, is_text=call.method == "MESSAGE")
        return self._text(self._service.vocabulary.numbers[0], called.number, text)

    def _take_over(self, reply: Reply) -> None:
        for change in reply.changes:
            self._overlay.apply(change)
        self.changes += reply.changes

    def _text(self, sender: str, number: str, text: str) -> Request:
        """A MESSAGE (RFC 3428) from a service number to a subscriber; it lacks the Via of who sends it."""
        to = f"sip:{number}@{self._realm}"
        headers = [
            ("Max-Forwards", "70"),
            ("From", f"<sip:{sender}@{self._realm}>;tag={random.getrandbits(64):016x}"),
            ("To", f"<{to}>"),
            ("Call-ID", f"{random.getrandbits(128):032x}"),
            ("CSeq", "1 MESSAGE"),
            _TEXT,
        ]
        return Request.build("MESSAGE", to, headers, text.encode())


def _find(number: Number, snapshot: Snapshot) -> Subscriber | None:
    """Phones may present themselves, and be dialled, by their user name as well."""
    find = snapshot.subscribers
    return find.find(number.e164) if number.e164 else find.find_user(number.presented)


def _refused(call: Call, detail: str) -> Served:
    return Served(Verdict("reject", 403, "Forbidden", RULE, detail, (Step(RULE, "enforce", "reject", detail),)), call)

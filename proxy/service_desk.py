"""Where texts to a service number and star codes are dealt with, and notices of refused calls are written. Sans-IO.

Who orders is the subscriber who proved to be calling (`auth: digest`), else the one that the access trunk vouches for,
by P-Asserted-Identity or From. From other trunks nobody can order anything.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.authentication import SPOOFED
from proxy.numbers.patterns import read_pattern
from proxy.numbers.star_codes import read_code
from proxy.policy.call import Call, dialled
from proxy.policy.case import called_subscriber
from proxy.policy.precedence import CALLERS_OWN, Action
from proxy.policy.verdict import Step, Verdict
from proxy.sip.errors import SipError
from proxy.sip.message import Request
from proxy.subscribers.changes import Change, Overlay
from proxy.subscribers.notices import Notices
from proxy.subscribers.self_service import Reply, SelfService

if TYPE_CHECKING:
    from proxy.numbers.numbering import Numbering
    from proxy.policy.snapshot import Snapshot

RULE = "self_service"  # as call records name what was decided here
# Refusals that are between the caller and their own operator.
_NOT_THE_CALLEES = CALLERS_OWN | {SPOOFED}
_TEXT = ("Content-Type", "text/plain;charset=UTF-8")
_NUMBER = re.compile(r"\+?[0-9]{1,20}")  # what a list can hold, but no prefix: callers write what they like


@dataclass(frozen=True, slots=True)
class Served:
    """What becomes of an order: `verdict` is for its record.

    Where the verdict is no refusal, `text` is to be sent to the switch, a MESSAGE is answered with 200, and an INVITE
    goes on to the service of the switch that announces the outcome.
    """

    verdict: Verdict
    text: Request | None = None


class ServiceDesk:
    """Deals with orders. What they change is in force at once (`overlay`) and waits in `changes` to be saved."""

    def __init__(self, service: SelfService, overlay: Overlay, notices: Notices, realm: str) -> None:
        self.changes: list[Change] = []
        self.service = service
        self._overlay = overlay
        self._notices = notices
        self._realm = realm

    def serve(self, call: Call, request: Request, snapshot: Snapshot) -> Served | None:
        """Deal with an order; None where the call is none. What the policy says of an order counts for nothing.

        Raises SipError for a text that is none (415, RFC 3261 21.4.13).
        """
        vocabulary = self.service.vocabulary
        code = read_code(snapshot.numbering.understand(dialled(request)).presented, vocabulary.codes)
        if code is None and (call.method != "MESSAGE" or call.callee.digits not in vocabulary.numbers):
            return None
        if code is not None and call.method != "INVITE":
            return _refused(f"{call.callee.presented}: star codes are dialled")
        if call.trunk_kind != "access":
            return _refused(f"an order from trunk {call.trunk}, which no phone is on")
        subscriber = snapshot.subscriber(call.caller)
        if subscriber is None:
            return _refused(f"an order from {call.caller.presented}, who is no subscriber")
        if code is None:
            sender, text = call.callee.digits, _text(request)
            reply = self.service.by_text(subscriber, sender, text, snapshot.numbering)
        else:
            sender, wrong = vocabulary.numbers[0], self._overlay.wrong_pins(subscriber.number)
            reply = self.service.by_code(subscriber, code, wrong, call.arrival)
        self._take_over(reply)
        detail = f"{call.callee.presented} by {subscriber.number}: {reply.prompt}"
        action: Action = "allow" if code is None else "divert"
        service = "" if code is None else f"rf*play*{reply.prompt}"
        verdict = Verdict(action, None, "", RULE, detail, (Step(RULE, "enforce", action, detail),), service=service)
        return Served(verdict, self._text(sender, subscriber.number, reply.text))

    def notice(self, call: Call, verdict: Verdict, snapshot: Snapshot) -> Request | None:
        """The text that tells a subscriber of a refused call; None where they do not want any, or had enough."""
        if verdict.action != "reject" or verdict.rule in _NOT_THE_CALLEES or call.method == "REFER":
            return None
        called = called_subscriber(call, snapshot)
        if called is None or not called.notify:
            return None
        number = call.caller.e164 or call.caller.digits
        who = "" if call.withheld or not _NUMBER.fullmatch(number) else number
        if not self._notices.due(called.number, who, call.arrival):
            return None
        text = self.service.notice(
            called,
            who,
            verdict.rule,
            is_text=call.method == "MESSAGE",
            can_be_listed=bool(who) and _is_read_as(who, number, snapshot.numbering),
        )
        return self._text(self.service.vocabulary.numbers[0], called.number, text)

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


def _refused(detail: str) -> Served:
    return Served(Verdict("reject", 403, "Forbidden", RULE, detail, (Step(RULE, "enforce", "reject", detail),)))


def _is_read_as(who: str, number: str, numbering: Numbering) -> bool:
    """Whether a subscriber who puts `who` on a list has `number` on it, and nothing else."""
    try:
        return read_pattern(who, numbering) == (number,)
    except ValueError:
        return False


def _text(request: Request) -> str:
    """What a MESSAGE says. Raises SipError where it is no plain text."""
    kind = (request.header("content-type") or "text/plain").partition(";")[0].strip().lower()
    if kind != "text/plain" or request.header("content-encoding"):
        raise SipError("orders are plain text", status=415, headers=(("Accept", "text/plain"),))
    return request.body.decode("utf-8", "replace")

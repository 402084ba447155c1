"""The desk for texts to a service number and for star codes, and for notices of refused calls. Sans-IO.

Who orders is the subscriber who proved to be calling (`auth: digest`), else the one that the access trunk vouches for,
by P-Asserted-Identity or From. From other trunks nobody can order anything.
"""

from __future__ import annotations

import random
import re
from collections.abc import Container
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from proxy.numbers.patterns import read_pattern
from proxy.numbers.star_codes import StarCode, may_be_code, read_code
from proxy.policy.call import Call
from proxy.policy.case import called_subscriber
from proxy.policy.precedence import CALLERS_OWN, SPOOFED, Action
from proxy.policy.verdict import Step, Verdict
from proxy.self_service.control import Reply, SelfService
from proxy.self_service.notices import RefusedCallNotices
from proxy.sip.errors import SipError
from proxy.sip.message import Request
from proxy.subscribers.changes import AT_ONCE, Change, Overlay

if TYPE_CHECKING:
    from proxy.numbers.numbering import Numbering
    from proxy.policy.snapshot import Snapshot

RULE: Final = "self_service"  # as call records name what was decided here
# Refusals that are between the caller and their own operator.
_NOT_THE_CALLEES = CALLERS_OWN | {SPOOFED}
_TEXT: Final = ("Content-Type", "text/plain;charset=UTF-8")
_ANNOUNCED: Final = {"not-saved": "unchanged"}  # by prompts of another name
_WAITS = Reply("waits", "")
_NUMBER: Final = re.compile(r"\+?[0-9]{1,20}")  # what a list can hold, but no prefix: callers write what they like


@dataclass(frozen=True, slots=True)
class Served:
    """The outcome of an order: `verdict` is for its record.

    Where the verdict is no refusal, `text` is to be sent to the switch, a MESSAGE is answered with 200, and an INVITE
    goes on to the service of the switch that announces the outcome: all that once the `changes` to the profile of
    subscriber `number` are saved. Where they cannot be, it is `otherwise`. Without changes, but with an `otherwise`,
    it waits for its turn: an order of the same subscriber is being saved.
    """

    verdict: Verdict
    text: Request | None = None
    number: str = ""
    changes: tuple[Change, ...] = ()
    otherwise: Served | None = None

    @property
    def waits(self) -> bool:
        """True for an order that is not to be answered yet."""
        return self.otherwise is not None


class ServiceDesk:
    """Deals with orders. What they change is in force (`overlay`) once it is saved; wrong PINs count at once."""

    def __init__(self, service: SelfService, overlay: Overlay, notices: RefusedCallNotices, realm: str) -> None:
        self.service = service
        self._saving: set[str] = set()  # numbers of subscribers of whom an order is being saved
        self._overlay = overlay
        self._notices = notices
        self._realm = realm

    def is_order(self, call: Call, snapshot: Snapshot) -> bool:
        """True for a call or text that is meant for the desk, whoever sent it."""
        vocabulary = self.service.vocabulary
        if call.method == "MESSAGE" and call.callee.digits in vocabulary.numbers:
            return True
        return _code(call, vocabulary.codes, snapshot) is not None

    def serve(self, call: Call, snapshot: Snapshot) -> Served:
        """Say what becomes of an order, and change nothing. What the policy says of an order counts for nothing.

        Who gets `changes` calls `begin`, has them saved and calls `settle`; until then other orders of that subscriber
        wait. Raises SipError for a text that is none (415, RFC 3261 21.4.13).
        """
        vocabulary = self.service.vocabulary
        code = _code(call, vocabulary.codes, snapshot)
        if code is not None and call.method != "INVITE":
            return _refused(f"{call.callee.presented}: star codes are dialled")
        if call.trunk_kind != "access":
            return _refused(f"an order from trunk {call.trunk}, which no phone is on")
        subscriber = snapshot.subscriber(call.caller)
        if subscriber is None:
            return _refused(f"an order from {call.caller.presented}, who is no subscriber")
        number = subscriber.number
        sender = call.callee.digits if code is None else vocabulary.numbers[0]
        served = partial(self._served, call, code is None, sender, number)
        text = _text(call) if code is None else ""
        if number in self._saving:
            return replace(served(_WAITS), otherwise=served(self.service.not_saved()))
        if code is None:
            reply = self.service.by_text(subscriber, sender, text, snapshot.numbering)
        else:
            reply = self.service.by_code(subscriber, code, self._overlay.wrong_pins(number), call.arrival)
        if not reply.changes:
            return served(reply)
        otherwise = self.service.not_saved() if reply.prompt == "changed" else reply
        return replace(served(reply), changes=reply.changes, otherwise=served(otherwise))

    def begin(self, served: Served) -> None:
        """Take the changes of an order on: wrong PINs count at once, and the subscriber's next order waits."""
        if served.changes:
            self._saving.add(served.number)
            for change in served.changes:
                if change.field in AT_ONCE:
                    self._overlay.apply(change)

    def settle(self, served: Served, saved: bool) -> None:
        """Have in force what an order changed, where that is saved, and make room for the subscriber's next one."""
        self._saving.discard(served.number)
        if saved:
            for change in served.changes:
                if change.field not in AT_ONCE:
                    self._overlay.apply(change)

    def _served(self, call: Call, by_text: bool, sender: str, number: str, reply: Reply) -> Served:
        detail = f"{call.callee.presented} by {number}: {reply.prompt}"
        action: Action = "allow" if by_text else "divert"
        service = "" if by_text else f"rf*play*{_ANNOUNCED.get(reply.prompt, reply.prompt)}"
        verdict = Verdict(action, None, "", RULE, detail, (Step(RULE, "enforce", action, detail),), service=service)
        return Served(verdict, self._text(sender, number, reply.text) if reply.text else None, number)

    def refused_call_notice(self, call: Call, verdict: Verdict, snapshot: Snapshot) -> Request | None:
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
        text = self.service.refused_call_notice(
            called,
            who,
            verdict.rule,
            is_text=call.method == "MESSAGE",
            can_be_listed=bool(who) and _is_read_as(who, number, snapshot.numbering),
        )
        return self._text(self.service.vocabulary.numbers[0], called.number, text)

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
    """True where a subscriber who puts `who` on a list has `number` on it, and nothing else."""
    try:
        return read_pattern(who, numbering) == (number,)
    except ValueError:
        return False


def _code(call: Call, codes: Container[str], snapshot: Snapshot) -> StarCode | None:
    if not call.request_uri and not may_be_code(call.callee.presented):  # as nearly all
        return None
    dialled = call.request_uri or call.uri
    return read_code(snapshot.numbering.understand(dialled).presented, codes)


def _text(call: Call) -> str:
    """The text of a MESSAGE. Raises SipError where it is no plain text."""
    if call.text is None:
        raise SipError("orders are plain text", status=415, headers=(("Accept", "text/plain"),))
    return call.text

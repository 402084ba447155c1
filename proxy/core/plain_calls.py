"""Decides calls of plain fields, by the very function that the running proxy asks: for whoever replays or rehearses.

What the policy remembers of earlier calls is remembered here too, so calls come in the order of their time. Who parts
them among several processes keeps all calls of one subscriber together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from proxy.core.deciding import Decision, decide
from proxy.core.emergency_calls import EmergencyCalls
from proxy.policy.call import Call
from proxy.policy.case import Case
from proxy.policy.engine import Policy
from proxy.policy.remote import UNASKED, Opinions
from proxy.policy.snapshot import Snapshot
from proxy.policy.trunks import Trunk


class PlainCall(NamedTuple):
    """A call or a text, by the fields that `Call.from_fields` takes; `at` is when it arrives, in epoch seconds."""

    caller: str
    callee: str
    trunk: str
    at: float
    method: Literal["INVITE", "MESSAGE"] = "INVITE"
    display_name: str = ""
    withheld: str = ""
    diversion: tuple[str, ...] = ()
    authenticated: str = ""
    text: str = ""


def decisions(
    calls: Iterable[PlainCall],
    policy: Policy,
    trunks: Mapping[str, Trunk],
    memory: EmergencyCalls | None = None,
    opinions: Opinions = UNASKED,
) -> Iterator[Decision]:
    """Decide each call by the policy, as if it came in on the trunk of its name.

    `memory` holds what earlier calls left to remember, and takes what these leave. `opinions` are those of remote
    sources, of a scenario those of `Canned`; without them nothing is known against anybody. Raises KeyError for a trunk
    that is none of `trunks`, SipError for an identity of somebody authenticated that cannot be read.
    """
    remembered = EmergencyCalls() if memory is None else memory
    for call in calls:
        yield _decided(call, policy, trunks, remembered, opinions)


def _decided(
    plain: PlainCall, policy: Policy, trunks: Mapping[str, Trunk], memory: EmergencyCalls, opinions: Opinions
) -> Decision:
    caller, callee, name, at, method, display_name, withheld, diversion, authenticated, text = plain
    snapshot, trunk = policy.snapshot, trunks[name]
    if method == "INVITE" and not (display_name or withheld or diversion or authenticated):  # as nearly all are
        call = Call.from_fields(caller, callee, trunk, snapshot.numbering, at)
    else:
        call = Call.from_fields(
            caller,
            callee,
            trunk,
            snapshot.numbering,
            at,
            method=method,
            display_name=display_name,
            withheld=withheld,
            diversion=diversion,
            authenticated=authenticated,
            text=text,
        )
    decision = decide(call, policy, None, memory, opinions)
    if call.callee.e164 is None:  # as few are: it may be a call for help
        remember(decision, call, trunk, snapshot, memory)
    return decision


def remember(decision: Decision, call: Call, trunk: Trunk, snapshot: Snapshot, memory: EmergencyCalls) -> None:
    """Note whose emergency call it is, as far as that is proved where phones have to prove it."""
    verdict = decision.verdict
    if verdict is None or verdict.action == "reject" or not Case.of(call, snapshot).is_emergency:
        return
    number = call.authenticated
    if not number and trunk.auth != "digest" and (caller := snapshot.subscriber(call.caller)) is not None:
        number = caller.number
    if number:
        memory.note(number, call.arrival)

"""A call with what is known of its two ends: what the rules judge.

Where a caller comes from follows from the trunk AND the number: the home network writes `+86...` as well, so a plus
says nothing, and a home number that comes in from abroad is at home only if its owner is roaming or somebody
forwarded the call.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, Literal

from proxy.numbers.dialled import Behind
from proxy.numbers.numbering import Number
from proxy.numbers.patterns import ABROAD, matching
from proxy.policy.call import Call
from proxy.policy.memory import NOTHING, Memory
from proxy.policy.profile import Subscriber
from proxy.policy.readings import other_readings
from proxy.policy.remote import UNASKED, Opinions
from proxy.policy.snapshot import ListedNumber, ScamNumbers, Snapshot

Origin = Literal["domestic", "overseas", "unknown"]

_LINES: Final = frozenset(("fixed", "mobile", "fixed_or_mobile"))


class Case:
    """`called` is our subscriber at that end, `calling` at the other, as far as it matters who they are.

    `forwarded`: a home call that one of our subscribers forwarded, and that came back by way of abroad. `memory` tells
    of earlier calls, `opinions` what remote sources said of callers.
    """

    __slots__ = (
        "_listings",
        "call",
        "called",
        "caller_origin",
        "calling",
        "forwarded",
        "memory",
        "opinions",
        "snapshot",
    )

    def __init__(
        self,
        call: Call,
        snapshot: Snapshot,
        calling: Subscriber | None,
        called: Subscriber | None,
        forwarded: bool,
        caller_origin: Origin,
        memory: Memory = NOTHING,
        opinions: Opinions = UNASKED,
    ) -> None:
        self.call: Final = call
        self.snapshot: Final = snapshot
        self.calling: Final = calling
        self.called: Final = called
        self.forwarded: Final = forwarded
        self.caller_origin: Final = caller_origin
        self.memory: Final = memory
        self.opinions: Final = opinions
        self._listings: list[ListedNumber] | None = None

    def listings(self) -> list[ListedNumber]:
        """The entries in the scam list of the numbers that the call presents, in each of their readings."""
        if self._listings is None:  # two rules ask
            self._listings = _listings(self.call, self.snapshot.scam_list)
        return self._listings

    @property
    def behind(self) -> Behind:
        """Numbers that a switch could call for the dialled text beside its plain reading: behind `#31#` or `;rn=`."""
        return self.snapshot.dialling.behind(self.call.uri)

    @property
    def is_emergency(self) -> bool:
        """True for a call to an emergency number, behind codes too; not where a switch could call abroad for it.

        Behind a digit for an outside line, or a carrier's code, only for phones, and where nobody else has that number.
        """
        callee = self.call.callee
        if callee.e164 is not None:
            return False
        if callee.is_emergency:
            return not self.behind.abroad
        behind = self.behind.emergency
        return behind == "call" or (behind == "line" and self.call.trunk_kind == "access" and self.called is None)

    def callees_abroad(self) -> Iterator[Number]:
        """The numbers abroad that the call may reach. Often the first one will do; to find the others takes time."""
        callee = self.call.callee
        if number_origin(callee, self.snapshot) == "overseas" and not self._may_be_at_home(callee):
            yield callee
            for number in self.behind.abroad:
                if number.e164 != callee.e164:
                    yield number
        else:
            yield from self.behind.abroad

    def _may_be_at_home(self, callee: Number) -> bool:
        """True for 9 and a number at home: of ranges that nobody knows, neither outweighs one that is known."""
        if _is_surely_abroad(callee):
            return False
        behind = self.snapshot.dialling.home_behind(self.call.uri)
        home = behind.number if behind.is_home else None
        return home is not None and (home.kind != "unknown" or callee.kind in ("unknown", "invalid"))

    @classmethod
    def of(cls, call: Call, snapshot: Snapshot, memory: Memory = NOTHING, opinions: Opinions = UNASKED) -> Case:
        # Who the caller is matters where they use our phones, and where they may be roaming.
        origin = number_origin(call.caller, snapshot)
        matters = call.trunk_kind == "access" or (call.trunk_kind == "international" and origin == "domestic")
        calling = snapshot.subscriber(call.caller) if matters else None
        forwarded = bool(call.diversion) and _is_forwarded_home(call, snapshot)
        return Case(
            call,
            snapshot,
            calling,
            snapshot.subscriber(call.callee) or _subscriber_behind(call, snapshot),
            forwarded,
            _caller_origin(call, origin, at_home=forwarded or (calling is not None and calling.roaming)),
            memory,
            opinions,
        )


def _listings(call: Call, scam_list: ScamNumbers) -> list[ListedNumber]:
    caller = call.caller
    if not call.others and not caller.also:  # as of nearly all calls
        entry = scam_list.find(caller.e164, call.arrival) if caller.e164 else None
        return [] if entry is None else [entry]
    found = [entry for one in call.presented if one.e164 and (entry := scam_list.find(one.e164, call.arrival))]
    for e164, prefix_counts in other_readings(call):
        entry = scam_list.find(e164, call.arrival)
        if entry is not None and (prefix_counts or not entry.pattern.endswith("*")):
            found.append(entry)
    return found


def called_subscriber(call: Call, snapshot: Snapshot) -> Subscriber | None:
    """The subscriber that a call is for, if there is one; codes such as `#31#` hide nobody's number, and no trunk that
    writes it so that a softswitch reads another one."""
    return snapshot.subscriber(call.callee) or _subscriber_behind(call, snapshot)


def _subscriber_behind(call: Call, snapshot: Snapshot) -> Subscriber | None:
    callee = call.callee
    for e164 in callee.also:
        if (called := snapshot.subscribers.find(e164)) is not None:
            return called
    if callee.e164 and (_is_surely_abroad(callee) or number_origin(callee, snapshot) == "domestic"):
        return None  # as of nearly all calls
    number = None if callee.is_emergency else snapshot.dialling.home_behind(call.uri).number
    return snapshot.subscriber(number) if number else None


def _is_surely_abroad(number: Number) -> bool:
    """False where a number may as well be one at home behind a digit or two: it has neither + nor an international
    prefix, or is of no possible length."""
    return not number.is_invalid and (number.presented[:1] == "+" or number.idd_prefix_seen)


def number_origin(number: Number, snapshot: Snapshot) -> Origin:
    """The origin of a number, whatever trunk it came in on. Satellites and other codes of no country are overseas."""
    if number.region is not None:
        return "domestic" if number.region in snapshot.home_regions else "overseas"
    return "overseas" if number.e164 else "unknown"


def number_kind(number: Number, snapshot: Snapshot) -> str:
    """The kind of a home number; the preset may know mobile ranges that the numbering data does not."""
    kind = number.kind
    prefixes = snapshot.preset.home_numbers_from_abroad.mobile_prefixes
    if kind == "unknown" and number.e164 and number.e164.startswith(prefixes):
        return "mobile"
    return kind


def is_home_line(number: Number, snapshot: Snapshot) -> bool:
    """True for an ordinary line of the home country, fixed or mobile."""
    return number_origin(number, snapshot) == "domestic" and number_kind(number, snapshot) in _LINES


def listed(patterns: Collection[str], number: Number, snapshot: Snapshot) -> str | None:
    """The pattern of a list that fits the number, whatever it was dialled or presented like.

    Numbers in E.164 form are compared in that form, others (10086) by their digits.
    """
    if not patterns:
        return None
    if number.e164 is None:
        return matching(patterns, number.digits)
    pattern = matching(patterns, number.e164)
    is_abroad = pattern is None and ABROAD in patterns and not snapshot.numbering.is_home_code(number.e164)
    return ABROAD if is_abroad else pattern


def blocked(patterns: Collection[str], case: Case) -> str | None:
    """The first pattern that fits a number that the call presents, in any of its readings."""
    if not patterns:  # as most subscribers have it
        return None
    for number in case.call.presented:
        if pattern := listed(patterns, number, case.snapshot):
            return pattern
    for e164, prefix_counts in other_readings(case.call):
        if pattern := matching((each for each in patterns if prefix_counts or each[-1] != "*"), e164):
            return pattern
    return None


def _caller_origin(call: Call, origin: Origin, *, at_home: bool) -> Origin:
    if call.trunk_kind == "international" and not (origin == "domestic" and at_home):
        return "overseas"
    return origin


def _is_forwarded_home(call: Call, snapshot: Snapshot) -> bool:
    """True where one of our subscribers forwarded a home line's call, so that it came back by way of abroad.

    Diversion and History-Info are as easily forged as From. They count only from a trusted trunk (`Call` reads them
    from no other), only where a diverting party is our subscriber, and never where that is the callee, whose number
    every caller knows. They only ever help an ordinary home line: no short code and no malformed number.
    """
    if not is_home_line(call.caller, snapshot):
        return False
    return any(
        party.e164 and party.e164 != call.callee.e164 and snapshot.subscribers.find(party.e164)
        for party in call.diversion
    )

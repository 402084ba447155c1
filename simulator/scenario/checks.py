"""Checks of a scenario for what cannot be meant: callers who are nobody, numbers that nobody has, expectations that no
call can meet. Each is a Problem with its place in the file; what may be meant after all is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from random import Random
from typing import Protocol

from proxy.files.yaml_file import Problem, did_you_mean
from proxy.numbers.dialled import Dialling
from proxy.numbers.numbering import Numbering
from proxy.policy.precedence import PRECEDENCE, REFUSING, REMOTE, SPOOFED
from proxy.policy.profile import Subscriber
from proxy.policy.treatments import Treatments
from proxy.presets import preset as presets
from proxy.presets.preset import Preset
from proxy.self_service.desk import RULE as SELF_SERVICE
from simulator.agents.orders import DOMAIN
from simulator.scenario.calls import TRUNKS, Calls, Expect, Pool

_SAMPLES = 40  # numbers of a pool that are looked at
_LONGEST = 15  # digits (ITU-T E.164)
_PASSING = frozenset(("allow", "label"))
# By which the proxy, or a phone of its own accord, refuses a call that could have been taken.
_REFUSALS = frozenset((403, 428, 433, 436, 437, 438, *range(600, 700)))
_NOT_TAKEN = frozenset((486, 487))  # busy, and given up
_NOT_IN_USE = {"invalid", "unknown"}
_TREATED_BY = {"label": "label or warn", "challenge": "challenge", "divert": "divert"}


class Scenario(Protocol):
    """The parts of a scenario that are looked at; its model is in `model`, which calls these checks."""

    @property
    def home(self) -> str: ...
    @property
    def preset(self) -> str: ...
    @property
    def rules(self) -> Mapping[str, str]: ...
    @property
    def treatments(self) -> Treatments: ...
    @property
    def subscribers(self) -> Mapping[str, Subscriber]: ...
    @property
    def others(self) -> Sequence[str]: ...
    @property
    def reputation(self) -> Mapping[str, object]: ...
    @property
    def calls(self) -> Sequence[Calls]: ...
    @property
    def digest_trunks(self) -> frozenset[str]: ...


def senseless(scenario: Scenario) -> Iterator[Problem]:
    """All that cannot be meant, in the file's order."""
    chosen = presets.load(scenario.preset)
    reads = presets.numbering(scenario.home, chosen)
    numbers = _Numbers(scenario, chosen, reads)
    verdicts = _Verdicts(scenario, chosen)
    for index, number in enumerate(scenario.others):
        if reads.understand(number).e164 is None:
            yield Problem(("others", index), "a number as it is dialled at home, or in E.164 form")
    for index, entry in enumerate(scenario.calls):
        for problem in (*numbers.problems(entry), *verdicts.problems(entry)):
            yield Problem(("calls", index, *problem.where), problem.expected)


class _Numbers:
    """Checks of callers and of the called."""

    def __init__(self, scenario: Scenario, chosen: Preset, reads: Numbering) -> None:
        self._scenario = scenario
        self._reads = reads
        self._dialling = Dialling(reads, chosen.home_regions or (scenario.home,))
        own = (each.number for each in scenario.subscribers.values())
        self._taken = {*own, *(reads.understand(number).e164 for number in scenario.others)}
        self._services = chosen.vocabulary.numbers

    def problems(self, entry: Calls) -> Iterator[Problem]:
        if isinstance(entry.from_, Pool):
            yield from self._pool(entry.from_)
        else:
            callers = [(("from", index), caller) for index, caller in enumerate(entry.from_)]
            for where, caller in [*callers, (("presents",), entry.presents or "")]:
                if caller and self._is_nobody(caller):
                    hint = did_you_mean(caller, self._scenario.subscribers)
                    expected = f"a number, a subscriber ({hint}), anonymous, or a URI such as sip:{caller}@{DOMAIN}"
                    yield Problem(where, expected)
        for index, callee in enumerate(entry.to):
            if callee not in self._scenario.subscribers and (expected := self._unheard_of(callee, entry)):
                yield Problem(("to", index), expected)

    def _is_nobody(self, caller: str) -> bool:
        known = caller in self._scenario.subscribers or ":" in caller
        return not known and self._reads.understand(caller).kind == "alphanumeric" and not _has_digit(caller)

    def _pool(self, pool: Pool) -> Iterator[Problem]:
        given = pool.prefix.removeprefix("+")
        length = len(given) + pool.free_digits
        if pool.impossible or self._are(given, length, _NOT_IN_USE):
            return
        lengths = [each for each in range(len(given) + 1, _LONGEST + 1) if self._are(given, each, {"invalid"})]
        in_use = self._lengths_in_use(given, lengths)
        if length in (in_use or lengths):
            return
        if not lengths:
            yield Problem(("from", "prefix"), "the first digits of numbers of some country; or impossible: true")
            return
        region = self._reads.understand(f"+{given.ljust(lengths[0], '0')}").region
        have = f"those of {region} that begin so have" if region else "numbers that begin so have"
        longs = " or ".join(map(str, in_use or lengths))
        said = "length" if pool.length else "prefix"
        yield Problem(("from", said), f"length: {longs}, as {have}; or impossible: true")

    def _lengths_in_use(self, prefix: str, lengths: list[int]) -> list[int]:
        """The lengths of numbers that begin so and are in use or, where none is, of those that begin nearly so."""
        for end in range(len(prefix), 1, -1):
            if in_use := [each for each in lengths if self._are(prefix[:end], each, _NOT_IN_USE)]:
                return in_use
        return []

    def _are(self, prefix: str, length: int, other: Set[str]) -> bool:
        """True as soon as one of some numbers of that length that begin so is of no kind of those others; in ranges out
        of use they are unknown."""
        random, free = Random(0), length - len(prefix)
        samples = (f"{random.randrange(10**free):0{free}}" for _ in range(_SAMPLES))
        return any(self._reads.understand(f"+{prefix}{rest}").kind not in other for rest in samples)

    def _unheard_of(self, callee: str, entry: Calls) -> str:
        """The expectation, in words, in the place of a number that nobody has."""
        number = self._reads.understand(callee)
        if TRUNKS[entry.trunk] == "access":
            behind = self._dialling.behind(callee)
            possible = number.kind != "invalid" or behind.number or behind.abroad or behind.emergency
            return "" if possible else f"a number that can exist: {callee} has not as many digits as one"
        if number.e164 in self._taken or callee in self._services or number.kind in ("short_code", "emergency"):
            return ""
        if number.kind != "invalid" and number.region != self._scenario.home:
            return ""  # a call that only passes through
        hint = did_you_mean(callee, [each.number for each in self._scenario.subscribers.values()])
        return f"a number that a subscriber has ({hint}), or one that `others` has"


class _Verdicts:
    """Checks of expectations against what rules, treatments and the phone can make of a call."""

    def __init__(self, scenario: Scenario, chosen: Preset) -> None:
        self._subscribers = scenario.subscribers.keys()
        self._modes: Mapping[str, str] = {**chosen.modes, **scenario.rules}
        self._asks = bool(scenario.reputation)
        self._treated: dict[str, set[str]] = {}
        everybodys = [{**chosen.treatments, **scenario.treatments}]
        for treatments in [*everybodys, *(each.treatment for each in scenario.subscribers.values())]:
            for rule, treatment in treatments.items():
                self._treated.setdefault(rule, set()).add(treatment.action)

    def problems(self, entry: Calls) -> Iterator[Problem]:
        if (expect := entry.expect) is None:
            return
        if expect.rule is not None and (mode := self._modes.get(expect.rule, "enforce")) != "enforce":
            yield Problem(("expect", "rule"), f"a rule that decides: {expect.rule} is {mode} here")
            return
        if expect.rule == REMOTE and not self._asks:
            yield Problem(("expect", "rule"), f"a rule that decides: {REMOTE} needs a source (reputation)")
            return
        can_be = self._actions(expect.rule, entry)
        if expect.action is not None:
            if expect.action not in can_be:
                yield Problem(("expect", "action"), _instead(expect, can_be))
                return
            can_be = {expect.action}
        if expect.status is not None and not any(_may_end(action, expect.status, entry) for action in can_be):
            yield Problem(("expect", "status"), _status_of(can_be, entry))
            return
        if expect.phone_sees and can_be <= {"reject", "divert"}:
            yield Problem(("expect", "phone_sees"), f"nothing: to {_one_of(can_be)} a call keeps it from the phone")
        answered = entry.behaviour == "answer" and can_be <= _PASSING
        if expect.caller_sees and (answered or (expect.status or 300) < 300):
            yield Problem(("expect", "caller_sees"), "nothing: a call that is answered shows its caller no refusal")

    def _actions(self, rule: str | None, entry: Calls) -> set[str]:
        """The possible outcomes of the call, by this rule or by any."""
        if rule is None:
            rules = (*PRECEDENCE, *([] if self._subscribers >= set(entry.to) else [SELF_SERVICE]))
            return set().union(*(self._actions(each, entry) for each in rules))
        if rule == SELF_SERVICE:
            return {"allow", "divert", "reject"}
        if rule == SPOOFED:
            return {"reject"}
        own = "reject" if rule in REFUSING else "allow"
        more = self._treated.get(rule, set()) if entry.method == "INVITE" else set()  # nobody can label a text
        return {own, *more}


def _may_end(action: str, status: int, entry: Calls) -> bool:
    if action == "reject":
        return status >= 400
    if action == "challenge":
        return True
    if action == "divert":
        return status not in _REFUSALS
    if entry.behaviour == "answer":
        return status not in _REFUSALS | _NOT_TAKEN
    return status >= 300 and (status not in _REFUSALS or entry.behaviour == "reject")


def _instead(expect: Expect, can_be: set[str]) -> str:
    """The actions that there could be, and what is missing for the one that is there."""
    by = f" by {expect.rule}" if expect.rule else ""
    needs = _TREATED_BY.get(expect.action or "")
    takes = f"; to {expect.action} takes `treatments` with {needs}" if needs else ""
    return f"{_one_of(can_be)}{by}{takes}"


def _status_of(can_be: set[str], entry: Calls) -> str:
    if can_be == {"reject"}:
        return "that of a refusal, 400 to 699"
    does = {"answer": "answers: 200", "busy": "is busy: 486", "reject": "refuses: 603"}
    phone = does.get(entry.behaviour, "rings in vain: 487")
    return f"what the caller gets where the proxy's action is {_one_of(can_be)}, and the phone {phone}"


def _one_of(actions: set[str]) -> str:
    return " or ".join(sorted(actions))


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)

"""Asks the rules in their order; the first that matches decides.

Adding a rule: write proxy/policy/rules/<name>.py with its `Rule`, and one line into precedence.py.
"""

from __future__ import annotations

from collections.abc import Container
from importlib import import_module
from typing import Final

from proxy.policy import readings
from proxy.policy.call import Call
from proxy.policy.case import Case
from proxy.policy.judge import Judge
from proxy.policy.memory import NOTHING, Memory
from proxy.policy.precedence import PRECEDENCE, REMOTE, SETTABLE, SPOOFED
from proxy.policy.remote import UNASKED, Asks, Lookup, Opinions
from proxy.policy.snapshot import Snapshot
from proxy.policy.treating import Prepared, prepared, treated, treatment_for
from proxy.policy.verdict import Finding, Mode, Step, Verdict

_MOST_ANSWERS: Final = 64  # of a rule that are kept
_new: Final = tuple.__new__  # a NamedTuple's own is interpreted, and takes five times as long


def _judge_of(rule: str) -> Judge:
    judge: Judge = import_module(f"proxy.policy.rules.{rule.replace('.', '_')}").Rule()
    return judge


_JUDGES: Final = {rule: _judge_of(rule) for rule in PRECEDENCE}


class _Rule:
    """A rule in its mode, and its answers where it does not apply: most calls get the same few.

    `step` is that of the last `answer`, which as a rule is a constant of the rule's.
    """

    def __init__(self, name: str, mode: Mode) -> None:
        self.name: Final = name
        self.mode: Final[Mode] = mode
        self.judge: Final = _JUDGES[name]
        self._answers: Final[dict[str, Step]] = {}
        self.answer = ""
        self.step = Step(name, mode, "no_match", "")

    def step_of(self, answer: str) -> Step:
        """The step of a trace for that answer."""
        step = self._answers.get(answer)
        if step is None:
            if len(self._answers) >= _MOST_ANSWERS:
                self._answers.clear()
            step = self._answers[answer] = Step(self.name, self.mode, "no_match", answer)
        self.answer, self.step = answer, step
        return step


class Policy:
    """The rules over one snapshot; a reload swaps the whole Policy.

    Raises ValueError where the snapshot sets the mode of a rule that does not exist or is always enforced.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        if wrong := sorted(snapshot.modes.keys() - set(SETTABLE)):
            raise ValueError(f"no mode can be set for {', '.join(wrong)}")
        self.snapshot = snapshot
        modes: list[tuple[str, Mode]] = [(rule, snapshot.modes.get(rule, "enforce")) for rule in PRECEDENCE]
        self._treatments = {rule: prepared(treatment) for rule, treatment in snapshot.treatments.items()}
        if not snapshot.sources:
            modes.remove((REMOTE, snapshot.modes.get(REMOTE, "enforce")))
        self._of_authenticated = [_Rule(rule, mode) for rule, mode in modes if mode != "off"]
        self._rules = [one for one in self._of_authenticated if one.name != SPOOFED]

    def decide(self, call: Call, memory: Memory = NOTHING, opinions: Opinions = UNASKED) -> Verdict:
        """Judge one call; what shadowed rules find is in the trace, and that is all.

        What `opinions` lack, the verdict `asks`: it stands where the answers bring nothing. Raises BadRequest where the
        one who proved to be calling presents an identity that cannot be read.
        """
        case = Case.of(call, self.snapshot, memory, opinions)
        read = readings.step(call, self.snapshot.numbering)
        trace: list[Step] = [] if read is None else [read]
        asked = self._of_authenticated if call.authenticated else self._rules
        match = _first_match(asked, case, trace, self._treatments)
        if match is None:
            raise AssertionError("default.allow matches every call")
        rule, found, asks, waits = match
        treatment = treatment_for(rule, case, self._treatments)
        if treatment is None:
            verdict = Verdict(found.action, found.status, found.reason, rule, found.detail, tuple(trace))
        else:
            verdict = treated(treatment, rule, found.detail, tuple(trace), case)
        return verdict.but(asks=asks, waits=waits) if asks else verdict

    def refuses(self, call: Call, rules: Container[str], memory: Memory = NOTHING) -> Verdict | None:
        """The refusal that these rules alone have for a call; None where they let it through, or treat it kindly."""
        case = Case.of(call, self.snapshot, memory)
        trace: list[Step] = []
        asked = self._of_authenticated if call.authenticated else self._rules
        match = _first_match([one for one in asked if one.name in rules], case, trace, self._treatments)
        if match is None:
            return None
        rule, found, _, _ = match
        treatment = treatment_for(rule, case, self._treatments)
        if found.action != "reject" or (treatment is not None and treatment.action != "reject"):
            return None
        if treatment is None:
            return Verdict("reject", found.status, found.reason, rule, found.detail, tuple(trace))
        # Who hears an announcement is not known: the softswitch is both ends' neighbour.
        return treated(treatment, rule, found.detail, tuple(trace), case).but(service="")


def _first_match(
    rules: list[_Rule], case: Case, trace: list[Step], treatments: dict[str, Prepared]
) -> tuple[str, Finding, tuple[Lookup, ...], bool] | None:
    """The first enforced rule that matches, and its finding; what rules before it would have asked first, and True
    where one of them is enforced. `trace` takes what every rule before it says; of rules in shadow mode it says what
    would be done, treatments included."""
    asks: tuple[Lookup, ...] = ()
    waits = False
    for one in rules:
        found = one.judge.judge(case)
        if isinstance(found, str):
            trace.append(one.step if found is one.answer else one.step_of(found))
            continue
        rule, mode = one.name, one.mode
        if isinstance(found, Asks):
            trace.append(Step(rule, mode, "asked", found.detail))
            asks += found.lookups
            waits = waits or mode == "enforce"
        elif mode == "enforce":
            trace.append(_new(Step, (rule, mode, found.action, found.detail)))
            return rule, found, asks, waits
        else:
            treatment = treatment_for(rule, case, treatments)
            trace.append(Step(rule, mode, found.action if treatment is None else treatment.action, found.detail))
    return None

"""The proxy's verdicts as the stage tells them: in words, with what would have happened otherwise; counted by rule."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from proxy.counterfactual import Reconsidering
from simulator.stage import words
from simulator.stage.events import Judged, Rule
from simulator.stage.hub import Hub
from simulator.stage.masking import without_pin
from simulator.stage.soon import Soon
from simulator.traffic.planned_call import PlannedCall

_NOTHING = frozenset(("no_match", "asked"))


class Verdicts:
    """Makes events of the lines of the verdict log. `reconsidering` gives what decides again over a call."""

    def __init__(self, hub: Hub, soon: Soon, reconsidering: Callable[[], Reconsidering | None]) -> None:
        self._hub = hub
        self._soon = soon
        self._reconsidering = reconsidering
        self.enforced: Counter[str] = Counter()
        self.shadowed: Counter[str] = Counter()

    def judged(self, line: Mapping[str, Any], planned: PlannedCall, requests: Sequence[bytes]) -> Judged:
        """The event of a line; `requests` are those with which the call came to the proxy."""
        self._count(line["rule"], line["trace"])
        caller, callee = planned.caller_name or planned.caller, planned.callee_name or without_pin(planned.callee)
        return verdict_of(line, caller, callee, requests, self._reconsidering())

    def shadow(self, line: Mapping[str, Any]) -> None:
        """A rule in shadow mode that had to ask first got its answer."""
        if line.get("outcome") not in _NOTHING:
            self._add(self.shadowed, str(line.get("rule")))

    def _count(self, rule: str, trace: Sequence[Sequence[str]]) -> None:
        self._add(self.enforced, rule)
        for name, mode, outcome, _ in trace:
            if mode == "shadow" and outcome not in _NOTHING:
                self._add(self.shadowed, name)

    def _add(self, counter: Counter[str], rule: str) -> None:
        counter[rule] += 1
        self._soon.tell(f"rule {rule}", lambda: self._rule(rule))

    def _rule(self, rule: str) -> Rule:
        modes = {each["name"]: each["mode"] for each in self._hub.state.rules}
        mode = modes.get(rule, "enforce")
        return Rule(time.time(), rule, mode, self.enforced[rule], self.shadowed[rule])


def verdict_of(
    line: Mapping[str, Any], caller: str, callee: str, requests: Sequence[bytes], deciding: Reconsidering | None
) -> Judged:
    """The event of a line of the verdict log, or of a call's record. `caller` and `callee` are as people name them,
    `requests` those with which the call came to the proxy, and `deciding` decides again; None where nothing can."""
    rule, action, method, detail = line["rule"], line["action"], line["method"], line["detail"]
    label, service, trace = line.get("label", ""), line.get("service", ""), line["trace"]
    elapsed = line.get("elapsed_us", 0)
    arrived = datetime.fromisoformat(line["timestamp"]).timestamp()
    found, barred = None, False
    if deciding is not None and requests:
        found = deciding.without_its_rule(line, requests)
        barred = found is None and deciding.refused_if_barred(line, requests)
    return Judged(
        at=arrived + elapsed / 1e6 + line.get("waited_ms", 0) / 1e3,
        call=line["call_id"],
        action=action,
        status=line["status"],
        rule=rule,
        title=words.title(rule),
        detail=detail,
        label=label,
        service=service,
        elapsed_us=elapsed,
        trace=trace,
        words=words.decided(action, line["status"], label, service, method, rule),
        evidence=words.evidence(rule, detail, caller, callee),
        otherwise=words.otherwise(found, rule, action, method, callee=callee, barred=barred, trace=trace),
    )

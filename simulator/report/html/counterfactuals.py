"""The words for what would have become of a call without the rule that decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from proxy.config.models import load_config
from proxy.counterfactual import Counterfactual, Reconsidering
from proxy.files.yaml_file import FileErrors
from simulator.results.messages import Message
from simulator.results.run_reader import manifest_of

_BECAME = {"challenge": "would have been challenged", "divert": "would have been diverted"}
_REACHED = {"INVITE": "would have rung", "MESSAGE": "would have reached the phone"}


class Counterfactuals:
    """Decides the calls of a run's folder again, by the files in it."""

    def __init__(self, run: Path) -> None:
        self._why = ""
        self._reconsidering: Reconsidering | None = None
        if manifest_of(run).get("pseudonyms"):
            self._why = "numbers are pseudonyms, by which calls may be decided otherwise"
            return
        try:
            self._reconsidering = Reconsidering(load_config(run / "proxy.yaml"))
        except (FileErrors, OSError) as error:
            self._why = f"the files that the proxy decided by cannot be read: {str(error).splitlines()[0]}"

    def told(self, record: Mapping[str, Any], messages: Sequence[Message]) -> str:
        """Tell what would have become of a call without the rule that decided, and what shadowed rules wanted."""
        return ". ".join([*self._without(record, messages), *_shadowed(record)])

    def _without(self, record: Mapping[str, Any], messages: Sequence[Message]) -> Iterator[str]:
        if not record or record["rule"] == "default.allow":  # which stands in for no other
            return
        if self._reconsidering is None:
            yield f"Without {record['rule']}: not known, {self._why}"
            return
        own = [message.data for message in messages if message.call_id == record["call_id"]]
        opening = record["method"].encode() + b" "
        found = self._reconsidering.without_its_rule(record, [data for data in own if data.startswith(opening)])
        if found is not None:
            yield words(found, record)


def words(found: Counterfactual, record: Mapping[str, Any]) -> str:
    """Tell what would have become of the call of a record."""
    if found.unknown:
        return f"Without {found.rule}: not known, {found.unknown}"
    if found.action == "reject":
        same = " all the same" if record["action"] == "reject" else ""
        became = f"would have been refused with {found.status}{same}"
    else:
        reached = _REACHED.get(record["method"], "would have been let through")
        became = _BECAME.get(found.action) or reached + (" with a label" if found.action == "label" else "")
    asks = f", if {found.asks} had nothing against the caller" if found.asks else ""
    return f"Without {found.rule}: {became}, by {found.by}{asks}"


def _shadowed(record: Mapping[str, Any]) -> Iterator[str]:
    for rule, mode, outcome, _ in record.get("trace", ()):
        if mode == "shadow" and outcome not in ("no_match", "asked"):
            yield f"{rule}, in shadow mode, would have said {outcome}"

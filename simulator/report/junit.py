"""JUnit XML for continuous integration: a suite a scenario, a case a call or campaign, a threshold, a validity."""

from __future__ import annotations

import shlex
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from simulator.judging.failure_kinds import FailureKind, proxys_reason
from simulator.judging.result import Result
from simulator.wording import counted

_SHOWN = 20
_UNPLAYED = {True: "no call could be played", False: ""}
_COUNTED = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}


def document(results: Sequence[Result]) -> str:
    """The XML text. A wrong verdict or missed threshold is a failure; an invalid run is an error and passes nothing."""
    root = ET.Element("testsuites", name="ringfence")
    for result in results:
        root.append(_suite(result))
    totals: Counter[str] = Counter()
    for suite in root:
        totals.update({key: int(suite.attrib[key]) for key in _COUNTED})
    root.attrib.update({key: str(totals[key]) for key in _COUNTED})
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(result: Result) -> ET.Element:
    suite = ET.Element("testsuite", name=result.name, time=f"{result.duration:.3f}")
    properties = ET.SubElement(suite, "properties")
    for name, value in sorted(result.figures.metrics.items()):
        ET.SubElement(properties, "property", name=name, value=f"{value:g}")
    distrusted = _validity(suite, result)
    wrong: defaultdict[str, list[FailureKind]] = defaultdict(list)
    for kind in result.wrong_kinds:
        wrong[kind.name].append(kind)
    for name, played in Counter(call.name for call in result.calls).items():
        case = ET.SubElement(suite, "testcase", classname=result.name, name=name)
        if kinds := wrong[name]:
            count = sum(len(kind.calls) for kind in kinds)
            failure = ET.SubElement(case, "failure", message=f"{count} of {played} calls judged wrongly")
            failure.text = "\n".join(_lines(result, kinds))
    for held in result.checks:
        asked = f"{held.threshold.figure} {held.threshold.text}"
        case = ET.SubElement(suite, "testcase", classname=result.name, name=asked)
        if not held.met:
            ET.SubElement(case, "failure", message=str(held))
    for left in result.not_applied:
        case = ET.SubElement(suite, "testcase", classname=result.name, name=f"{left.figure} {left.text}")
        ET.SubElement(case, "skipped", message="a part of the scenario is held to no threshold")
    if distrusted:
        _withdraw(suite, distrusted)
    for key, tag in _COUNTED.items():
        suite.set(key, str(sum(1 for _ in suite.iter(tag))))
    return suite


def _lines(result: Result, kinds: Sequence[FailureKind]) -> Iterator[str]:
    """Each kind of failure once, with what the proxy did with one of its calls."""
    for kind in kinds[:_SHOWN]:
        call = kind.example
        yield f"{counted(len(kind.calls), 'call')}: {kind.why}"
        yield f"  the proxy on {call.id} from {call.planned.caller} to {call.planned.callee}: {proxys_reason(call)}"
        yield f"  ringfence report {shlex.quote(str(result.folder))} --call {call.id}"
    if len(kinds) > _SHOWN:
        yield f"and {counted(len(kinds) - _SHOWN, 'more kind')} of failure"


def _withdraw(suite: ET.Element, why: str) -> None:
    """Have no case pass: what went wrong with the run may be why it looks right, or its wrong calls were not played."""
    for case in suite.iter("testcase"):
        if len(case) == 0:
            ET.SubElement(case, "skipped", message=why)


def _validity(suite: ET.Element, result: Result) -> str:
    """Add the case that says whether the run counts; the reason why it does not, or nothing."""
    case = ET.SubElement(suite, "testcase", classname=result.name, name="the run is valid")
    reasons = list(result.invalid_because)
    if result.interrupted:
        reasons.insert(0, f"interrupted; {result.unfinished} calls were not played to their end")
    if reasons:
        error = ET.SubElement(case, "error", message=reasons[0])
        error.text = "\n".join(reasons)
    return (
        "the run was interrupted"
        if result.interrupted
        else "the run is invalid"
        if reasons
        else _UNPLAYED[not result.calls]
    )

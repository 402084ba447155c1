"""JUnit XML for continuous integration: a suite a scenario, a case a call or campaign, a threshold, a validity.

Each case names the file and line of the scenario that expects what it is about (`file` and `line`, as pytest writes
them and GitLab reads them). A failure repeats them before its reason, with the ladder of the first call that failed.
"""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from simulator.judging.failure_kinds import FailureKind, proxys_reason
from simulator.judging.result import Result
from simulator.report.failures import Places, ladders
from simulator.wording import counted

_SHOWN = 20
_LADDERS = 20  # in a suite
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNPLAYED = {True: "no call could be played", False: ""}
_COUNTED = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}


def document(results: Sequence[Result]) -> str:
    """The XML text. A wrong verdict or missed threshold is a failure; an invalid run is an error and passes nothing."""
    root = ET.Element("testsuites", name="ringfence")
    for result in results:
        root.append(_suite(result))
    for element in root.iter():
        if element.text:
            element.text = _NO_XML.sub("?", element.text)
        element.attrib = {key: _NO_XML.sub("?", value) for key, value in element.attrib.items()}
    totals: Counter[str] = Counter()
    for suite in root:
        totals.update({key: int(suite.attrib[key]) for key in _COUNTED})
    root.attrib.update({key: str(totals[key]) for key in _COUNTED})
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(result: Result) -> ET.Element:
    places = Places(result)
    suite = ET.Element("testsuite", name=result.name, time=f"{result.duration:.3f}", file=places.file)
    properties = ET.SubElement(suite, "properties")
    for name, value in sorted(result.figures.metrics.items()):
        ET.SubElement(properties, "property", name=name, value=f"{value:g}")

    def case(name: str, line: int) -> ET.Element:
        named = {"classname": result.name, "name": name}
        return ET.SubElement(suite, "testcase", named | {"file": places.file, "line": str(line)})

    def fail(case: ET.Element, message: str, *lines: str) -> None:
        text = "\n".join((f"{case.get('file')}:{case.get('line')}: {message}", *lines))
        failure = ET.SubElement(case, "failure", message=message)
        failure.text = text

    distrusted = _validity(case("the run is valid", 1), result)
    wrong: defaultdict[str, list[FailureKind]] = defaultdict(list)
    for kind in result.wrong_kinds:
        wrong[kind.name].append(kind)
    drawn = ladders(result, [kinds[0].example.id for kinds in wrong.values()][:_LADDERS])
    for name, played in Counter(call.name for call in result.calls).items():
        of_calls = case(name, places.of(name))
        if kinds := wrong[name]:
            count = sum(len(kind.calls) for kind in kinds)
            ladder = drawn.get(kinds[0].example.id, "")
            lines = (*_lines(result, kinds), *(("", ladder) if ladder else ()))
            fail(of_calls, f"{count} of {played} calls judged wrongly", *lines)
    for held in result.checks:
        threshold = held.threshold
        of_threshold = case(f"{threshold.figure} {threshold.text}", places.of_threshold(threshold.figure))
        if not held.met:
            fail(of_threshold, str(held))
    for left in result.not_applied:
        skipped = case(f"{left.figure} {left.text}", places.of_threshold(left.figure))
        ET.SubElement(skipped, "skipped", message="a part of the scenario is held to no threshold")
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


def _validity(case: ET.Element, result: Result) -> str:
    """Say in the case if the run does not count; the reason why it does not, or nothing."""
    reasons = list(result.invalid_because)
    if result.interrupted:
        reasons.insert(0, f"interrupted; {result.unfinished} calls were not played to their end")
    if reasons:
        error = ET.SubElement(case, "error", message=_NO_XML.sub("?", reasons[0]))
        error.text = _NO_XML.sub("?", "\n".join(reasons))
    return (
        "the run was interrupted"
        if result.interrupted
        else "the run is invalid"
        if reasons
        else _UNPLAYED[not result.calls]
    )

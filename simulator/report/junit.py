"""JUnit XML for continuous integration: a suite a scenario, a case a call or campaign, a threshold, a validity."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Sequence

from simulator.result import Result

_SHOWN = 20


def document(results: Sequence[Result]) -> str:
    """The XML text. A wrong verdict or a missed threshold is a failure; an invalid run is an error."""
    root = ET.Element("testsuites", name="ringfence")
    for result in results:
        root.append(_suite(result))
    totals: Counter[str] = Counter()
    for suite in root:
        totals.update({key: int(suite.attrib[key]) for key in ("tests", "failures", "errors")})
    root.attrib.update({key: str(totals[key]) for key in ("tests", "failures", "errors")})
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(result: Result) -> ET.Element:
    suite = ET.Element("testsuite", name=result.name, time=f"{result.duration:.3f}")
    properties = ET.SubElement(suite, "properties")
    for name, value in sorted(result.figures.metrics.items()):
        ET.SubElement(properties, "property", name=name, value=f"{value:g}")
    _validity(suite, result)
    wrong: defaultdict[str, list[str]] = defaultdict(list)
    for call, why in result.wrong:
        wrong[call.name].append(f"{call.id} from {call.caller} to {call.callee}: {why}")
    for name, played in Counter(call.name for call in result.calls).items():
        case = ET.SubElement(suite, "testcase", classname=result.name, name=name)
        if lines := wrong[name]:
            failure = ET.SubElement(case, "failure", message=f"{len(lines)} of {played} calls judged wrongly")
            failure.text = "\n".join(lines[:_SHOWN])
            if len(lines) > _SHOWN:
                failure.text += f"\nand {len(lines) - _SHOWN} more"
    for held in result.checks:
        asked = f"{held.threshold.figure} {held.threshold.text}"
        case = ET.SubElement(suite, "testcase", classname=result.name, name=asked)
        if not held.met:
            ET.SubElement(case, "failure", message=str(held))
    for key, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        suite.set(key, str(sum(1 for _ in suite.iter(tag))))
    return suite


def _validity(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(suite, "testcase", classname=result.name, name="the run is valid")
    reasons = list(result.invalid_because)
    if result.interrupted:
        reasons.insert(0, f"interrupted; {result.unfinished} calls were not played to their end")
    if reasons:
        error = ET.SubElement(case, "error", message=reasons[0])
        error.text = "\n".join(reasons)

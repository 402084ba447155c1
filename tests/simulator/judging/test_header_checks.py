"""Header texts that callers and phones were to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from simulator.__main__ import main
from simulator.judging.header_checks import unseen
from simulator.scenario.model import load_scenarios

IPV6 = ["Contact: <sip:alice@[::1]:5060>"]
pytestmark = pytest.mark.usefixtures("runs_beside_others")

LINES = [
    "v: SIP/2.0/UDP 127.0.0.1",
    'f: "Overseas call: Singapore" <sip:+6591234567@x>;tag=1',
    "Reason: Q.850;cause=21",
]

SCENARIO = """\
scenario: told
home: CN
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}}
  bob: {number: "+8613800138002"}
treatments:
  barring.incoming_international: {reject: "603+", tel: "+12025550123"}
  default.allow: {label: "Overseas call: {country}", only: overseas}
calls:
  - call: refused
    trunk: international
    from: "+6591234567"
    to: alice
    truth: scam
    expect: {action: reject, status: 603, caller_sees: "Reason: *v=analytics1;tel=+12025550123;*"}
  - call: labelled
    trunk: international
    from: "+6591234567"
    to: bob
    truth: legit
    expect: {action: label, status: 200, phone_sees: ["From: \\"Overseas call: Singapore\\" *"]}
"""


def test_header_lines_are_found_by_name_in_any_form_and_by_pattern() -> None:
    assert unseen(['From: "Overseas call: *" <sip:+65*', "reason: Q.850;cause=?1"], LINES) == ()


def test_brackets_are_those_of_an_address() -> None:
    assert unseen(["Contact: <sip:alice@[::1]:*>"], IPV6) == ()
    assert unseen(["Contact: <sip:alice@[:1]*"], IPV6) != ()


def test_what_was_not_seen_is_told_with_what_was() -> None:
    assert unseen(["Reason: SIP;*", "Alert-Info: *"], LINES) == (
        "Reason: SIP;* (but Q.850;cause=21)",
        "Alert-Info: * (but none)",
    )
    assert unseen(["Reason: q.850*"], LINES) != ()


def test_a_treatment_is_proven_by_what_caller_and_phone_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("told.yaml").write_text(SCENARIO, encoding="utf-8")
    assert main(["run", "told.yaml"]) == 0
    Path("told.yaml").write_text(
        SCENARIO.replace("Singapore", "Jamaica").replace("50123;*", "50124;*"), encoding="utf-8"
    )
    capsys.readouterr()
    assert main(["run", "told.yaml"]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "the caller saw no Reason: *v=analytics1;tel=+12025550124;* (but SIP;cause=603;" in printed
    assert 'the phone saw no From: "Overseas call: Jamaica" * (but "Overseas call: Singapore"' in printed


def test_wrong_treatments_and_header_checks_are_told_with_their_places(tmp_path: Path) -> None:
    broken = SCENARIO.replace('"603+", tel: "+12025550123"', '"605"').replace('"Reason: *v', '"Reason *v')
    broken = broken.replace("status: 200, phone", "status: 200, caller_sees: 'Reason: x', phone")
    broken = broken.replace("    to: bob\n", "    to: bob\n    agent: pjsua\n")
    path = tmp_path / "told.yaml"
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(FileErrors) as caught:
        load_scenarios([path])
    told = {(error.line, error.expected.partition(",")[0].partition(":")[0]) for error in caught.value.errors}
    assert {line for line, _ in told} == {7, 15, 22}
    assert (22, "agent") in told

"""Treatments as they are written: by rule, one of five sorts, and what is wrong with the others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy.config.models import load_config
from proxy.files.yaml_file import FileErrors
from proxy.policy.answers import Answer
from proxy.policy.precedence import PRECEDENCE
from proxy.policy.treatments import Challenge, Divert, Label, Play, Treatments, Warn
from proxy.self_service.desk import RULE as SELF_SERVICE
from tests.plays import ROOT

REFERENCE = ROOT / "proxy" / "README.md"
HEAD = "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n"


def config_file(folder: Path, text: str) -> Path:
    path = folder / "proxy.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def errors_of(folder: Path, text: str) -> list[str]:
    path = config_file(folder, text)
    with pytest.raises(FileErrors) as caught:
        load_config(path)
    return str(caught.value).replace(f"{path}:", "").splitlines()


def test_every_sort_of_treatment_is_read(tmp_path: Path) -> None:
    text = """\
treatments:
  subscriber.block: {divert: honeypot}
  spoofed.home_number: {divert: {play: spoofed}}
  anonymous.reject: {challenge: random}
  barring.incoming_international: {reject: "603", announce: barred}
  scam_list.exact: {warn: on, only: overseas}
  default.allow: {label: "Overseas call: {country}", only: overseas, name: keep, ring: "urn:alert:source:external"}
"""
    assert load_config(config_file(tmp_path, text)).treatments == {
        "subscriber.block": Divert(divert="honeypot"),
        "spoofed.home_number": Divert(divert=Play(play="spoofed")),
        "anonymous.reject": Challenge(challenge="random"),
        "barring.incoming_international": Answer(reject="603", announce="barred"),
        "scam_list.exact": Warn(warn="on", only="overseas"),
        "default.allow": Label(
            label="Overseas call: {country}", only="overseas", name="keep", ring="urn:alert:source:external"
        ),
    }


def test_wrong_values_are_told_with_their_places(tmp_path: Path) -> None:
    assert errors_of(
        tmp_path,
        """\
treatments:
  never_block: {label: Police}
  subscriber.block: {divert: voicemial}
  spoofed.home_number: {divert: {play: "../x"}}
  anonymous.reject: {challenge: "12"}
  barring.incoming_international: {reject: "603", announce: "a*b"}
  scam_list.exact: {say: hello}
  scam_list.prefix: {warn: loudly}
  default.allow: {label: "{contry}", only: abroad, ring: "urn:alarm:x", ring_info: "a;b", verstat: passed}
""",
    ) == [
        (
            '4:3: found "never_block", expected a rule: one of "barring.all_outgoing", "subscriber.allow", '
            '"subscriber.block", "spoofed.own_number", "spoofed.home_number", "anonymous.reject", '
            '"barring.all_incoming", '
            '"barring.incoming_when_roaming", "barring.incoming_international", '
            '"barring.outgoing_international", "scam_list.exact", "scam_list.prefix", '
            '"reputation.remote", "default.allow"'
        ),
        '5:30: found "voicemial", expected "voicemail" or "honeypot"',
        '6:40: found "../x", expected the name of a prompt, such as barred',
        '7:33: found "12", expected a digit in quotes, or "random"',
        '8:61: found "a*b", expected the name of a prompt, such as barred',
        "9:20: found a mapping, expected a treatment: one of reject, label, divert, challenge, warn",
        '10:28: found "loudly", expected "on"',
        '11:26: found "{contry}", expected at most 60 printable characters; {country} stands for the caller\'s country',
        '11:44: found "abroad", expected "overseas" or "home_from_abroad"',
        '11:58: found "urn:alarm:x", expected an urn:alert: (RFC 7462) or the web address of a ringing tone',
        '11:84: found "a;b", expected a token, such as alert-external',
        ('11:100: found "passed", expected "No-TN-Validation", "TN-Validation-Failed" or "TN-Validation-Passed"'),
    ]


@pytest.mark.parametrize("treatment", ['{reject: "603"}', "{divert: honeypot}"])
def test_a_rule_that_lets_calls_through_refuses_none_and_diverts_none(tmp_path: Path, treatment: str) -> None:
    assert errors_of(tmp_path, f"treatments: {{default.allow: {treatment}}}") == [
        "3:29: found a mapping, expected label, challenge or warn: default.allow lets calls through"
    ]


@pytest.mark.parametrize("treatment", ["{label: Hello}", '{challenge: "5"}', "{warn: on}"])
def test_a_call_that_its_own_caller_barred_rings_nowhere(tmp_path: Path, treatment: str) -> None:
    """The rule decides before the callee's block list is asked."""
    assert errors_of(tmp_path, f"treatments: {{barring.all_outgoing: {treatment}}}") == [
        "3:36: found a mapping, expected reject or divert: barring.all_outgoing keeps calls from every phone"
    ]
    refused = config_file(tmp_path, 'treatments: {barring.all_outgoing: {reject: "603", announce: barred}}')
    assert "barring.all_outgoing" in load_config(refused).treatments


@pytest.mark.parametrize("text", ["", " ", "x" * 61, "soft\u00adhyphen", "\u202etfel", "a{country}}"])
def test_a_label_is_a_line_that_can_be_read(tmp_path: Path, text: str) -> None:
    assert len(errors_of(tmp_path, f'treatments: {{default.allow: {{label: "{text}"}}}}')) == 1


def test_the_parameter_of_a_ring_goes_with_a_ring(tmp_path: Path) -> None:
    text = "treatments: {default.allow: {label: Hello, ring_info: alert-external}}"
    assert errors_of(tmp_path, text) == ['3:55: found "alert-external", expected a ring beside it']


def test_the_reference_tells_which_rules_take_which_treatments() -> None:
    samples = {
        "reject": {"reject": "603"},
        "label": {"label": "Hello"},
        "divert": {"divert": "honeypot"},
        "challenge": {"challenge": "5"},
        "warn": {"warn": "on"},
    }
    takes = TypeAdapter(Treatments)
    table = REFERENCE.read_text(encoding="utf-8").partition("| what is decided by | can be treated with |\n")[2]
    rows = [line.strip("|").split("|") for line in table.partition("\n\n")[0].splitlines()[1:]]
    told = {rule: sorts.strip() for rules, sorts in rows for rule in re.findall("`(.+?)`", rules)}
    for rule, sorts in told.items():
        taken = [name for name, sample in samples.items() if _is_taken(takes, {rule: sample})]
        assert sorts == (", ".join(taken) or "nothing"), rule
    assert set(told) == {*PRECEDENCE, SELF_SERVICE}


def _is_taken(takes: TypeAdapter[Any], treatments: dict[str, Any]) -> bool:
    try:
        takes.validate_python(treatments)
    except ValidationError:
        return False
    return True

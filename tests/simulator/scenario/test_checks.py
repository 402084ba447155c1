"""Contradictions in a scenario are found before it is played."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from simulator.report.files import lint
from simulator.scenario.model import load_scenarios
from simulator.traffic.plan import plan

CN = """\
scenario: s
{more}
subscribers: {{alice: {{number: "+8613800138001"}}, bob: {{number: "+8613800138002"}}}}
calls:
  - {{truth: legit, {entry}}}
"""
GB = CN.replace("+861380013800", "+44770090012").replace("{more}", "home: GB\npreset: gb\n{more}")
FROM = 'call: a, trunk: domestic, from: "+8613900139001"'
TO = f"{FROM}, to: alice"
POOL = "campaign: a, trunk: international, to: alice, from"
TEXT = f"{TO}, method: MESSAGE, body: hi"
WARN = 'treatments: {default.allow: {label: "overseas", only: overseas}, scam_list.exact: {challenge: "5"}}'


def errors_of(folder: Path, entry: str, more: str = "", text: str = CN) -> list[str]:
    (folder / "s.yaml").write_text(text.format(entry=entry, more=more), encoding="utf-8")
    try:
        load_scenarios([folder / "s.yaml"])
    except FileErrors as wrong:
        return [f"found {error.found}, expected {error.expected}" for error in wrong.errors]
    return []


NOBODY = 'a number, a subscriber ("alice"), anonymous, or a URI such as sip:{}@ringfence.example'


@pytest.mark.parametrize("caller", ["alise", "Alice", "carol", "BANK"])
def test_a_caller_who_is_neither_number_nor_subscriber_is_found(tmp_path: Path, caller: str) -> None:
    [error] = errors_of(tmp_path, f"call: a, trunk: international, from: {caller}, to: bob")
    assert error.startswith(f'found "{caller}", expected a number, a subscriber (')
    assert error.endswith(f", anonymous, or a URI such as sip:{caller}@ringfence.example")


@pytest.mark.parametrize(
    "caller",
    [
        "alice",
        "anonymous",
        "Restricted",
        "unavailable",
        "Unknown",
        '"96110"',
        '"95588/"',
        '"+44(0)7700900765"',
        '"%2B8613900139001"',
        '"+86%EF%BC%91%EF%BC%93"',
        '"++8613900139001"',
        '"+6591230001;verstat=TN-Validation-Passed"',
        '"sip:BANK@ringfence.example"',
        '"sips:+6591230001@sg.example;user=phone"',
        '"tel:+6591230001"',
    ],
)
def test_whatever_may_be_meant_as_a_caller_is_one(tmp_path: Path, caller: str) -> None:
    assert errors_of(tmp_path, f"call: a, trunk: international, from: {caller}, to: bob") == []


@pytest.mark.parametrize("caller", ['"sip:BANK"@x', '"sip:"', '"mailto:a@b"', '"urn:service:sos"', '"sip:a@b>x"'])
def test_a_uri_that_is_none_is_found(tmp_path: Path, caller: str) -> None:
    assert errors_of(tmp_path, f"call: a, trunk: international, from: {caller}, to: bob")


def test_what_a_phone_presents_is_held_to_the_same(tmp_path: Path) -> None:
    entry = "call: a, trunk: phones, from: alice, to: bob, presents: {}"
    assert errors_of(tmp_path, entry.format("bobby")) == [
        f'found "bobby", expected {NOBODY.format("bobby")}'.replace("alice", "bob")
    ]
    assert errors_of(tmp_path, entry.format("sip:BANK@bank.example")) == []


def test_a_uri_as_caller_is_sent_as_it_is(tmp_path: Path) -> None:
    assert errors_of(tmp_path, "call: a, trunk: domestic, from: 'tel:+8613900139001', to: bob") == []
    [(scenario, _)] = load_scenarios([tmp_path / "s.yaml"])
    assert [call.caller for call in plan(scenario)] == ["tel:+8613900139001"]


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ('"+8613800138009"', 'a number that a subscriber has ("+8613800138001"), or one that `others` has'),
        ('"013800138003"', 'a number that a subscriber has ("+8613800138002"), or one that `others` has'),
        (
            '"+86138"',
            'a number that a subscriber has (one of "+8613800138001", "+8613800138002"), or one that `others` has',
        ),
    ],
)
def test_a_number_that_no_subscriber_has_is_found_where_a_trunk_calls_it(
    tmp_path: Path, to: str, expected: str
) -> None:
    [error] = errors_of(tmp_path, f"{FROM}, to: {to}")
    assert error.partition(", expected ")[2].startswith(expected.partition("(")[0])
    assert error.endswith("or one that `others` has")


@pytest.mark.parametrize(
    "to",
    ['"13800138002"', '"008613800138002"', '"+8613800138002"', '"110"', '"10086"', '"+6591234567"', '"+881631550001"'],
)
def test_numbers_of_subscribers_in_any_spelling_services_and_numbers_abroad_can_be_called(
    tmp_path: Path, to: str
) -> None:
    assert errors_of(tmp_path, f"{FROM}, to: {to}") == []


def test_others_can_be_called_where_the_scenario_says_so(tmp_path: Path) -> None:
    assert errors_of(tmp_path, f'{FROM}, to: "13800138009"', more='others: "+8613800138009"') == []
    assert errors_of(tmp_path, TO, more='others: ["12"]') == [
        'found "12", expected a number as it is dialled at home, or in E.164 form'
    ]


@pytest.mark.parametrize("to", ['"+86138"', '"+9991234567"', '"13800138001380013800138"'])
def test_a_number_that_cannot_exist_is_found_where_a_phone_dials_it(tmp_path: Path, to: str) -> None:
    [error] = errors_of(tmp_path, f"call: a, trunk: phones, from: alice, to: {to}")
    assert "expected a number that can exist: " in error


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ('"+6591234567"', CN),
        ('"006591234567"', CN),
        ('"95105105"', CN),
        ('"#31#13900139001"', CN),
        ('"*354*2580"', CN),
        ('"9013900139001"', CN),
        ('"17911013900139001"', CN),
        ('"14107700900321"', GB),
        ('"147007700900321"', GB),
        ('"999"', GB),
    ],
)
def test_what_people_dial_can_be_dialled(tmp_path: Path, to: str, text: str) -> None:
    assert errors_of(tmp_path, f"call: a, trunk: phones, from: alice, to: {to}", text=text) == []


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ('{prefix: "+1202555", pool: 5, length: 12}', 'found "12", expected length: 11, as those of US'),
        ('{prefix: "+447700900", pool: 5, length: 13}', 'found "13", expected length: 12, as those of GB'),
        ('{prefix: "+447700900", pool: 5, length: 11}', 'found "11", expected length: 12, as those of GB'),
        ('{prefix: "+870", pool: 5, length: 8}', 'found "8", expected length: 12 or 15, as numbers that begin so have'),
        ('{prefix: "+8613900139", pool: 5, length: 15}', 'found "15", expected length: 13, as those of CN'),
        ('{prefix: "+86139", pool: 5}', 'found "+86139", expected length: 13, as those of CN'),
        ('{prefix: "+65", pool: 5}', 'found "+65", expected length: 10'),
        ('{prefix: "+6591", pool: 5, length: 9}', 'found "9", expected length: 10'),
        ('{prefix: "+999", pool: 5}', 'found "+999", expected the first digits of numbers of some country'),
    ],
)
def test_a_pool_of_numbers_of_impossible_length_is_found(tmp_path: Path, pool: str, expected: str) -> None:
    [error] = errors_of(tmp_path, f"{POOL}: {pool}")
    assert error.startswith(expected)
    assert error.endswith("; or impossible: true")
    assert errors_of(tmp_path, f"{POOL}: {pool.replace('}', ', impossible: true}')}") == []


@pytest.mark.parametrize(
    "pool",
    [
        '{prefix: "+23224", pool: 40}',
        '{prefix: "+39068", pool: 5, length: 11}',
        '{prefix: "+8816315", pool: 9, length: 12}',
    ],
)
def test_a_pool_of_numbers_that_can_exist_is_none_of_these(tmp_path: Path, pool: str) -> None:
    assert errors_of(tmp_path, f"{POOL}: {pool}") == []


GETS = "expected what the caller gets where the proxy's action is allow, and the phone"


@pytest.mark.parametrize(
    ("entry", "more", "error"),
    [
        (f"{TO}, expect: {{action: reject, status: 200}}", "", 'found "200", expected that of a refusal, 400 to 699'),
        (f"{TO}, expect: {{action: reject, status: 302}}", "", 'found "302", expected that of a refusal, 400 to 699'),
        (
            f"{TO}, expect: {{action: allow, status: 603}}",
            "",
            f'found "603", {GETS} answers: 200',
        ),
        (
            f"{TO}, answer: busy, expect: {{action: allow, status: 200}}",
            "",
            f'found "200", {GETS} is busy: 486',
        ),
        (
            f"{TO}, ring: 1s, expect: {{action: allow, status: 200}}",
            "",
            f'found "200", {GETS} rings in vain: 487',
        ),
        (
            f"{TO}, expect: {{action: reject, rule: default.allow}}",
            "",
            'found "reject", expected allow by default.allow',
        ),
        (
            f"{TO}, expect: {{action: allow, rule: scam_list.exact}}",
            "",
            'found "allow", expected reject by scam_list.exact',
        ),
        (
            f"{TO}, expect: {{action: label, rule: subscriber.allow}}",
            "",
            'found "label", expected allow by subscriber.allow; to label takes `treatments` with label or warn',
        ),
        (
            f"{TO}, expect: {{action: challenge}}",
            "",
            'found "challenge", expected allow or reject; to challenge takes `treatments` with challenge',
        ),
        (
            f"{TO}, expect: {{action: divert}}",
            "",
            'found "divert", expected allow or reject; to divert takes `treatments` with divert',
        ),
        (
            f"{TEXT}, expect: {{action: label, rule: default.allow}}",
            WARN,
            'found "label", expected allow by default.allow; to label takes `treatments` with label or warn',
        ),
        (
            f"{TO}, expect: {{rule: default.allow, status: 603}}",
            "",
            f'found "603", {GETS} answers: 200',
        ),
        (
            f"{TO}, expect: {{rule: scam_list.exact, status: 200}}",
            "",
            'found "200", expected that of a refusal, 400 to 699',
        ),
        (
            f"{TO}, expect: {{action: reject, rule: anonymous.reject}}",
            "rules: {anonymous.reject: shadow}",
            'found "anonymous.reject", expected a rule that decides: anonymous.reject is shadow here',
        ),
        (
            f"{TO}, expect: {{action: reject, rule: reputation.remote}}",
            "",
            'found "reputation.remote", expected a rule that decides: reputation.remote needs a source (reputation)',
        ),
        (
            f'{TO}, expect: {{action: reject, phone_sees: "From: *"}}',
            "",
            'found "From: *", expected nothing: to reject a call keeps it from the phone',
        ),
        (
            f'{TO}, expect: {{action: allow, caller_sees: "Reason: *"}}',
            "",
            'found "Reason: *", expected nothing: a call that is answered shows its caller no refusal',
        ),
    ],
)
def test_an_expectation_that_no_call_can_meet_is_found(tmp_path: Path, entry: str, more: str, error: str) -> None:
    assert errors_of(tmp_path, entry, more) == [error]


@pytest.mark.parametrize(
    ("entry", "more"),
    [
        (f"{TO}, answer: reject, expect: {{action: allow, status: 603}}", ""),
        (f"{TO}, answer: busy, expect: {{action: allow, status: 486}}", ""),
        (f"{TO}, answer: reject, expect: {{action: allow, caller_sees: 'Reason: *'}}", ""),
        (f"{TO}, cancel_after: 1s, expect: {{action: allow, status: 487}}", ""),
        (f"{TO}, expect: {{action: allow, status: 480}}", ""),
        (f"{TO}, expect: {{action: label, rule: default.allow, status: 200}}", WARN),
        (f"{TO}, expect: {{action: challenge, rule: scam_list.exact, status: 200}}", WARN),
        (f"{TO}, expect: {{action: reject, rule: scam_list.exact, status: 603}}", WARN),
        (f"{TO}, expect: {{rule: scam_list.exact, status: 200}}", WARN),
        (f"{TO}, expect: {{action: allow, rule: self_service, status: 200}}", ""),
        ('call: a, trunk: phones, from: alice, to: "*354#", expect: {action: divert}', ""),
        (f"{TO}, expect: {{status: 603}}", ""),
        (f"{TO}, expect: {{status: 200}}", ""),
        (f"{TEXT}, expect: {{action: allow, status: 202}}", ""),
        (f"{TO}, expect: {{action: reject, rule: spoofed.subscriber_number, status: 403}}", ""),
    ],
)
def test_an_expectation_that_a_call_can_meet_is_none_of_these(tmp_path: Path, entry: str, more: str) -> None:
    assert errors_of(tmp_path, entry, more) == []


def test_a_treatment_of_one_subscriber_is_enough_for_a_label(tmp_path: Path) -> None:
    own = 'treatment: {default.allow: {label: "who is it?"}}'
    text = CN.replace('"+8613800138001"}}', f'"+8613800138001", {own.replace("{", "{{").replace("}", "}}")}}}}}')
    assert errors_of(tmp_path, f"{TO}, expect: {{action: label, rule: default.allow}}", text=text) == []


def test_a_name_is_one_line(tmp_path: Path) -> None:
    [error] = errors_of(tmp_path, f'{TO}, display_name: "a\\r\\nX: y"')
    assert error.endswith("expected text without line breaks and control characters")


def test_two_scenarios_of_one_name_are_found_with_both_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"# {name}\n" + CN.format(entry=TO, more=""))
    expected = f'{tmp_path / "b.yaml"}:2:11: found "s", expected a name of its own: {tmp_path / "a.yaml"} has this one'
    for read in (lint, load_scenarios):
        with pytest.raises(FileErrors) as caught:
            read([tmp_path])
        assert str(caught.value) == expected
    assert len(load_scenarios([tmp_path / "a.yaml", tmp_path / "a.yaml"])) == 1

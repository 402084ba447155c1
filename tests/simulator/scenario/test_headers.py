"""Headers by which a call says who calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from simulator.scenario.model import load_scenarios
from simulator.traffic.plan import plan

SCENARIO = """\
scenario: s
subscribers: {{alice: {{number: "+8613800138001"}}, bob: {{number: "+8613800138002"}}}}
calls:
  - {{call: a, trunk: domestic, from: bob, to: alice, truth: legit, {said}}}
"""
SIGNED = "eyJhbGciOiJFUzI1NiJ9.eyJhdHRlc3QiOiJBIn0.c2ln;info=<https://certs.example/a.pem>;alg=ES256;ppt=shaken"
COMPACT = "..c2ln;info=<https://certs.example/a.pem>"


def headers(folder: Path, said: str) -> list[str]:
    (folder / "s.yaml").write_text(SCENARIO.format(said=said), encoding="utf-8")
    [(scenario, _)] = load_scenarios([folder / "s.yaml"])
    [call] = plan(scenario)
    return [f"{name}: {value}" for name, value in call.headers]


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("asserted: alice", ["P-Asserted-Identity: <sip:+8613800138001@ringfence.example>"]),
        (
            'asserted: "+6591230001;verstat=TN-Validation-Passed"',
            ["P-Asserted-Identity: <sip:+6591230001;verstat=TN-Validation-Passed@ringfence.example>"],
        ),
        ("asserted: tel:+6591230001", ["P-Asserted-Identity: <tel:+6591230001>"]),
        (
            "asserted: 'Bank <sip:+6591230001@sg.example;user=phone>'",
            ["P-Asserted-Identity: Bank <sip:+6591230001@sg.example;user=phone>"],
        ),
        (
            """asserted: ['"Bank, the" <sip:+6591230001@sg.example>', "tel:+6591230001"]""",
            [
                'P-Asserted-Identity: "Bank, the" <sip:+6591230001@sg.example>',
                "P-Asserted-Identity: <tel:+6591230001>",
            ],
        ),
        (
            """asserted: '<sip:+6591230001@sg.example>, <tel:+6591230001>'""",
            ["P-Asserted-Identity: <sip:+6591230001@sg.example>, <tel:+6591230001>"],
        ),
        (
            'remote_party_id: "+6591230001"',
            ["Remote-Party-ID: <sip:+6591230001@ringfence.example>;party=calling;screen=yes"],
        ),
        (
            "remote_party_id: 'Bank <sip:+6591230001@sg.example>;party=calling;privacy=full;screen=no'",
            ["Remote-Party-ID: Bank <sip:+6591230001@sg.example>;party=calling;privacy=full;screen=no"],
        ),
        (
            'diversion: [bob, "<tel:+6591230001>;reason=no-answer;counter=2"]',
            [
                "Diversion: <sip:+8613800138002@ringfence.example>;reason=unconditional",
                "Diversion: <tel:+6591230001>;reason=no-answer;counter=2",
            ],
        ),
        (
            'history_info: [bob, "+6591230001", alice]',
            [
                "History-Info: <sip:+8613800138002@ringfence.example>;index=1",
                "History-Info: <sip:+6591230001@ringfence.example;cause=302>;index=1.1;mp=1",
                "History-Info: <sip:+8613800138001@ringfence.example;cause=302>;index=1.1.1;mp=1.1",
            ],
        ),
        (
            'history_info: ["sip:+6591230001@sg.example", "<sip:alice@sg.example?Reason=SIP%3Bcause%3D302>;index=1.2"]',
            [
                "History-Info: <sip:+6591230001@sg.example>;index=1",
                "History-Info: <sip:alice@sg.example?Reason=SIP%3Bcause%3D302>;index=1.2",
            ],
        ),
        (f'identity: "{SIGNED}"', [f"Identity: {SIGNED}"]),
        (f'identity: ["{SIGNED}", "{COMPACT}"]', [f"Identity: {SIGNED}", f"Identity: {COMPACT}"]),
        ("privacy: id", ["Privacy: id"]),
        ('privacy: "id; user"', ["Privacy: id; user"]),
        ("privacy: [id, header, critical]", ["Privacy: id;header;critical"]),
        ("privacy: none", ["Privacy: none"]),
        ("priority: psap-callback", ["Priority: psap-callback"]),
        ("priority: Emergency", ["Priority: Emergency"]),
        ('headers: ["Subject: a: b", "X-Empty:"]', ["Subject: a: b", "X-Empty: "]),
        (
            'headers: "P-Asserted-Identity: <sip:1@x>, <sip:2@x>"',
            ["P-Asserted-Identity: <sip:1@x>, <sip:2@x>"],
        ),
        (
            'priority: urgent, privacy: id, asserted: alice, diversion: "+6591230001"',
            [
                "P-Asserted-Identity: <sip:+8613800138001@ringfence.example>",
                "Diversion: <sip:+6591230001@ringfence.example>;reason=unconditional",
                "Privacy: id",
                "Priority: urgent",
            ],
        ),
    ],
)
def test_a_call_says_of_its_caller_what_the_scenario_says(tmp_path: Path, said: str, sent: list[str]) -> None:
    assert headers(tmp_path, said) == sent


ADDRESS = "a number, a subscriber, a URI, or a name with a URI, such as 'Bank <sip:+6591234567@example.com>'"
PASSPORT = "a PASSporT and where its certificate is: header.payload.signature;info=<https://...> (RFC 8224 4)"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("asserted: alise", f'{ADDRESS}; subscribers: "alice"'),
        ('asserted: ""', f'{ADDRESS}; subscribers: one of "alice", "bob"'),
        ('asserted: "+65 9123"', f'{ADDRESS}; subscribers: one of "alice", "bob"'),
        ("asserted: 'Bank <+6591230001>'", f"{ADDRESS} (no URI scheme in '+6591230001')"),
        ("asserted: 'Bank <sip:+6591230001@x'", f"{ADDRESS} (malformed address 'Bank <sip:+6591230001@x')"),
        ("asserted: urn:service:sos", ADDRESS),
        (r'asserted: "<sip:1@x>\r\nPriority: emergency"', ADDRESS),
        (
            "asserted: [alice, bob]",
            "one identity, or a SIP and a tel URI (RFC 3325 9.1); `headers` sends what you like",
        ),
        ("diversion: [alice, nobody]", f'{ADDRESS}; subscribers: one of "alice", "bob"'),
        (
            'remote_party_id: "+6591230001;privacy=full"',
            "the URI in angle brackets, so that privacy is a parameter of the header",
        ),
        (
            'diversion: "sip:+6591230001@x;reason=no-answer"',
            "the URI in angle brackets, so that reason is a parameter of the header",
        ),
        ("remote_party_id: '<sip:1@x>;privacy=ful'", "privacy=full, name, uri, off"),
        ("remote_party_id: '<sip:1@x>;party=caller'", "party=calling or called"),
        ("history_info: '<sip:1@x>;index=a'", "an index of numbers and dots, such as index=1.1 (RFC 7044 5)"),
        ("identity: a.b.c", PASSPORT),
        ('identity: "a.b;info=<https://x>"', PASSPORT),
        ("privacy: yes", 'wishes joined by ;, each of them one of "id", "user", "header", "session", "history"'),
        ("privacy: id;headr", 'wishes joined by ;, each of them "header"'),
        ("privacy: [id, none]", "none alone (RFC 3323 4.2)"),
        ("privacy: id;id", "each wish once"),
        ("priority: psap-calback", 'a priority: "psap-callback"'),
        ("headers: hello", 'a header line, such as "Subject: hello"'),
        (r'headers: "Subject: a\nVia: b"', 'a header line, such as "Subject: hello"'),
        ('headers: "Via: SIP/2.0/UDP x"', "another header: agents write via themselves"),
        ('headers: "i: my-own"', "another header: agents write call-id themselves"),
        ("headers: []", "at least one of them"),
    ],
)
def test_what_can_be_no_such_header_is_told_before_a_call_is_played(tmp_path: Path, said: str, expected: str) -> None:
    with pytest.raises(FileErrors) as caught:
        headers(tmp_path, said)
    [error] = caught.value.errors
    assert (error.line, error.expected.removesuffix(', "critical", "none"')) == (4, expected)

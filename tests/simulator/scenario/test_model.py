"""Scenario files: what they may say, and errors with their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from proxy.policy.profile import Barring, Subscriber
from simulator.agents.orders import Order
from simulator.lab.lab_spec import LabSpec
from simulator.scenario.calls import Expect, Pool
from simulator.scenario.model import load_scenarios
from simulator.traffic.plan import plan
from tests.plays.scenario_files import ALICE, AS_DESIGNED, errors_of, read, with_call

SOMETHING = "something that should become of the call, such as {action: allow}, or no expect"
TEXTED = "call: a, method: MESSAGE, body: hi, trunk: domestic, from: bob, to: bob, truth: scam"


def at_home(home: str, pattern: str) -> str:
    alice = f'{{number: "+442079460101", allow: ["{pattern}"], block: [0044*]}}'
    call = "{call: a, trunk: domestic, from: anonymous, to: alice, truth: scam}"
    return f"scenario: s\nhome: {home}\nsubscribers: {{alice: {alice}}}\ncalls: [{call}]\n"


def test_lists_are_read_as_dialled_in_the_scenarios_home(folder: Path) -> None:
    for home, pattern in (("GB", "+44900*"), ("DE", "+49900*")):
        alice = read(folder, at_home(home, "0900*")).subscribers["alice"]
        assert (alice.allow, alice.block) == ((pattern,), ("+44*",))
    (error,) = errors_of(folder, at_home("GB", "000000*"))
    assert error.startswith('3:56: found "000000*", expected a number or prefix that exists')


def test_the_scenario_of_the_design_loads(folder: Path) -> None:
    scenario = read(folder, AS_DESIGNED)
    assert (scenario.name, scenario.home, scenario.preset, scenario.seed) == ("wangiri-beside-family", "CN", "cn", 7)
    assert scenario.subscribers == {
        "alice": Subscriber("+8613800138001", barring=Barring(incoming_international=True), allow=("+6591234567",)),
        "bob": Subscriber("+8613800138002"),
    }
    assert scenario.scam_lists == (folder / "lists" / "wangiri.csv",)
    campaign, call = scenario.calls
    assert (campaign.name, campaign.from_, campaign.to) == ("wangiri", Pool(prefix="+23224", pool=40), ("alice", "bob"))
    assert (campaign.count, campaign.rate, campaign.ring, campaign.talk) == (400, 20.0, 1.5, None)
    assert (call.name, call.from_, call.to, call.talk) == ("daughter-in-singapore", ("+6591234567",), ("alice",), 2.0)
    assert call.expect == Expect(action="allow", rule="subscriber.allow", status=200)
    assert [(each.figure, each.statistic, each.limit) for each in scenario.thresholds] == [
        ("scam_recall", "lower95", 0.95),
        ("false_block_rate", None, 0.002),
        ("added_setup_delay", "p99", 0.02),
    ]


def test_every_mistake_of_a_scenario_is_told_at_once(folder: Path) -> None:
    assert errors_of(
        folder,
        """\
scenario: not a name
home: XX
preset: chn
subscribers:
  alice: {number: "+8613800138001"}
  twin: {number: "+8613800138001"}
scam_lists: [lists/missing.csv]
calls:
  - campaign: one
    trunk: internatonal
    from: {prefix: "23224", pool: 0}
    to: [alise, "+8613800138002"]
    rate: fast
    rinng: 1s
    truth: spam
  - call: two
    trunk: phones
    from: carol
    to: alice
    ring: 1
    truth: legit
    expect: {status: 20, rule: barring.incoming}
  - trunk: domestic
    from: "two words"
    to: bob
    count: 0
    truth: legit
thresholds:
  scam_recal: [">= 0.95"]
  added_setup_delay: ["p99 < 20ms", "p90 < 20"]
""",
    ) == [
        '1:11: found "not a name", expected a name of letters, digits, - and _',
        '2:7: found "XX", expected an ISO 3166 region with a numbering plan, such as CN or GB',
        '3:9: found "chn", expected a preset: "cn"',
        '6:18: found "+8613800138001", expected a number that no subscriber before it has',
        '7:14: found "lists/missing.csv", expected a file that exists, named relative to this one (* stands for any)',
        '10:12: found "internatonal", expected "international", "domestic" or "phones"',
        '11:20: found "23224", expected the first digits of a number in E.164 form, such as "+23224"',
        '11:35: found "0", expected at least 1',
        '12:10: found "alise", expected a number to dial, or a subscriber: "alice"',
        '13:11: found "fast", expected a rate such as "20/s", "90/min" or "600/h"',
        '14:5: found unknown key "rinng", expected "ring"',
        '15:12: found "spam", expected "scam", "legit" or "attack"',
        '18:11: found "carol", expected a subscriber: one of "alice", "twin"',
        '20:11: found "1", expected a duration such as "1.5s", "250ms" or "2m"',
        '22:22: found "20", expected at least 200',
        '22:32: found "barring.incoming", expected a rule: "barring.all_incoming"',
        '24:11: found "two words", expected a number, a subscriber, anonymous, or a URI',
        '25:9: found "bob", expected a number to dial, or a subscriber: one of "alice", "twin"',
        '26:12: found "0", expected at least 1',
        '29:3: found "scam_recal", expected a figure: "scam_recall"',
        '30:37: found "p90 < 20", expected a condition such as "p99 < 20ms" (p50, p95, p99, p99.9 or max; us, ms or s)',
    ]


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (
            "trunk: domestic, from: anonymous, to: bob, truth: legit",
            "4:5: found a mapping, expected either campaign: NAME or call: NAME",
        ),
        (
            "call: a, campaign: b, trunk: domestic, from: anonymous, to: bob, truth: legit",
            "4:5: found a mapping, expected either campaign: NAME or call: NAME",
        ),
        (
            "call: a, count: 2, trunk: domestic, from: anonymous, to: bob, truth: legit",
            '4:22: found "2", expected 1, or a campaign: for several calls',
        ),
        (
            "call: a, trunk: phones, from: {prefix: '+1', pool: 1}, to: bob, truth: legit",
            '4:36: found a mapping, expected a subscriber: one of "alice", "bob"',
        ),
        (
            "call: a, trunk: domestic, from: {prefix: '+1', pool: 20, length: 2}, to: bob, truth: legit",
            "4:38: found a mapping, expected a prefix and length that leave room for 20 numbers",
        ),
        (
            "call: a, trunk: domestic, from: [], to: bob, truth: legit",
            "4:38: found a list, expected at least one of them",
        ),
        (
            "call: a, trunk: domestic, from: bob, truth: legit",
            '4:5: found no "to", expected the required key "to"',
        ),
        (
            "call: a, body: hello, trunk: domestic, from: bob, to: bob, truth: legit",
            '4:21: found "hello", expected no body, or method: MESSAGE beside it',
        ),
        (
            "call: a, method: MESSAGE, trunk: domestic, from: bob, to: bob, truth: legit",
            '4:23: found "MESSAGE", expected body: TEXT beside it',
        ),
        (
            "call: a, method: MESSAGE, body: hello, ring: 1s, trunk: domestic, from: bob, to: bob, truth: legit",
            '4:51: found "1s", expected nothing here: a text does not ring, and nobody talks',
        ),
        (
            f"{TEXTED}, caller_presses: '5'",
            '4:108: found "5", expected agent: pjsua: wire agents have no sound',
        ),
        (
            f"{TEXTED}, agent: pjsua, caller_presses: '5'",
            '4:122: found "5", expected nothing here: a text does not ring, and nobody talks',
        ),
        (
            "call: a, trunk: domestic, from: bob, to: bob, truth: legit, expect: {caller_hears: barred}",
            '4:89: found "barred", expected agent: pjsua: wire agents have no sound',
        ),
        (
            "call: a, trunk: domestic, from: bob, to: bob, truth: legit, phone_presses: '5'",
            '4:81: found "5", expected agent: pjsua: wire agents have no sound',
        ),
        (
            "call: a, trunk: domestic, from: bob, to: bob, truth: legit, agent: pjsua, caller_presses: five",
            '4:96: found "five", expected keys of a phone: digits, * and #',
        ),
        (
            "call: a, trunk: domestic, from: bob, to: bob, truth: legit, agent: pjsua, expect: {phone_hears: bared}",
            '4:102: found "bared", expected caller, phone, nothing or an announcement: "barred"',
        ),
        (
            "call: a, trunk: domestic, from: bob, to: bob, truth: legit, expect: {}",
            f"4:74: found a mapping, expected {SOMETHING}",
        ),
        (
            "call: a, trunk: domestic, from: bob, to: bob, truth: legit, expect: {action: ~, rule: }",
            f"4:74: found a mapping, expected {SOMETHING}",
        ),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(folder: Path, entry: str, error: str) -> None:
    assert errors_of(folder, with_call(entry)) == [error]


def test_a_real_phone_is_no_target_for_a_fast_campaign(folder: Path) -> None:
    entry = "trunk: domestic, from: '+8613900139001', to: bob, truth: legit"
    campaign = f"  - {{campaign: b, {entry}, count: 30, rate: 20/s}}\n"
    assert errors_of(folder, with_call(f"call: a, agent: pjsua, {entry}") + campaign) == [
        '5:64: found "bob", expected a lower rate: bob has a real phone, which holds few calls'
    ]
    assert read(folder, with_call(f"call: a, agent: pjsua, {entry}") + campaign.replace("20/s", "5/s"))
    assert read(folder, with_call(f"call: a, {entry}") + campaign)


def test_announcements_of_a_scenario_are_those_of_its_switches(folder: Path) -> None:
    text = with_call("call: a, trunk: domestic, from: anonymous, to: bob, truth: legit")
    text += (
        'treatments: {anonymous.reject: {reject: "433", announce: anonimous}, subscriber.block: {divert: {play: x}}}\n'
    )
    found = errors_of(folder, text)
    assert found[0] == '5:58: found "anonimous", expected an announcement: "anonymous"'
    assert found[1].startswith('5:104: found "x", expected an announcement: ')


def test_star_codes_are_dialled_as_they_are_written(folder: Path) -> None:
    calls = read(folder, with_call("call: a, trunk: phones, from: bob, to: '#354*2580#', truth: legit")).calls
    assert calls[0].to == ("#354*2580#",)
    assert Order("1", "+8613800138002", calls[0].to[0]).uri == "sip:%23354*2580%23@ringfence.example"


def test_two_campaigns_cannot_share_a_name(folder: Path) -> None:
    entry = "trunk: domestic, from: anonymous, to: bob, truth: legit"
    text = with_call(f"campaign: a, {entry}") + f"  - {{call: a, {entry}}}\n"
    assert errors_of(folder, text) == ['5:12: found "a", expected a name not used before']


def test_a_call_has_no_name_of_a_mix_or_of_records(folder: Path) -> None:
    entry = "trunk: domestic, from: anonymous, to: bob, truth: legit"
    text = with_call(f"campaign: wangiri, {entry}") + f"  - {{call: recorded, {entry}}}\n"
    assert read(folder, text).calls[0].name == "wangiri"
    people = 'town: {count: 2, numbers: {prefix: "+861380013", length: 13}, profiles: {plain: {}}}'
    text += f"mix: {{subscribers: {{{people}}}, traffic: {{wangiri: {{}}}}}}\n"
    text += "records: {file: cdr.csv, map: {start: when, caller: from, callee: to}}\n"
    (folder / "cdr.csv").write_text("when,from,to\n")
    assert errors_of(folder, text) == [
        '4:16: found "wangiri", expected another name: wangiri is a kind of the mix',
        '5:12: found "recorded", expected another name: recorded is what calls of records are called',
    ]


def test_a_call_waits_for_those_that_stand_before_it(folder: Path) -> None:
    entry = "trunk: domestic, from: anonymous, to: bob, truth: legit"
    text = with_call(f"campaign: text, {entry}") + f"  - {{call: a, after: text, {entry}}}\n"
    assert read(folder, text).calls[1].after == ("text",)
    wrong = text.replace("after: text", "after: [a, texts, text]")
    expected = 'expected a call or campaign that stands before it: "text"'
    assert errors_of(folder, wrong) == [f'5:23: found "a", {expected}', f'5:26: found "texts", {expected}']
    for nothing, found in (("", "nothing"), ("~", '"~"'), ("{text: a}", "a mapping")):
        (error,) = errors_of(folder, text.replace("after: text", f"after: {nothing}"))
        assert error.endswith(f": found {found}, expected text, or a list of it")


def test_a_folder_is_read_with_all_below_it_and_the_errors_of_all_files_come_together(folder: Path) -> None:
    (folder / "more").mkdir()
    good = with_call("call: a, trunk: domestic, from: anonymous, to: bob, truth: legit")
    (folder / "b.yaml").write_text(good)
    (folder / "more" / "a.yaml").write_text(good.replace("scenario: s", "scenario: t"))
    assert [path for _, path in load_scenarios([folder, folder / "b.yaml"])] == [
        folder / "b.yaml",
        folder / "more" / "a.yaml",
    ]
    (folder / "b.yaml").write_text("scenario: 1\n")
    (folder / "more" / "a.yaml").write_text("x")
    with pytest.raises(FileErrors) as caught:
        load_scenarios([folder])
    assert [str(error.path.relative_to(folder)) for error in caught.value.errors] == ["b.yaml", "more/a.yaml"]


def test_a_real_phone_is_not_asked_what_it_saw(folder: Path) -> None:
    for callee in ("alice", '"+8613800138001"', '"013800138001"', '"13800138001"'):
        text = f"""\
scenario: s
subscribers: {{alice: {{number: "+8613800138001"}}, bob: {{number: "+8613800138002"}}}}
calls:
  - {{call: real, trunk: international, from: "+6591230001", to: [bob, alice], truth: legit, agent: pjsua}}
  - call: wire
    trunk: international
    from: "+6591230002"
    to: {callee}
    truth: legit
    expect: {{phone_sees: "From: *"}}
"""
        expected = "a callee without a real phone: that of alice does not show it"
        assert errors_of(folder, text) == [f'10:26: found "From: *", expected {expected}']
        read(folder, text.replace("phone_sees", "caller_sees"))


def test_who_calls_over_a_trunk_of_strangers_has_no_real_phone_at_home(folder: Path) -> None:
    calls = """\
  - {call: real, trunk: TRUNK, from: alice, to: bob, truth: legit, agent: pjsua}
  - {call: wire, trunk: domestic, from: "+8613900139001", to: alice, truth: legit, expect: {phone_sees: "From: *"}}
"""
    text = f"scenario: s\n{ALICE}calls:\n{calls}"
    read(folder, text.replace("TRUNK", "international"))
    assert "that of alice does not show it" in "".join(errors_of(folder, text.replace("TRUNK", "phones")))


def test_a_trunk_says_how_its_numbers_are_written(folder: Path) -> None:
    text = with_call("call: a, trunk: international, from: '442079460123', to: alice, truth: legit")
    said = text.replace("\n", "\ntrunks: {international: {numbers: international}}\n", 1)
    assert read(folder, said).written == {"international": "international"}
    assert LabSpec.of(read(folder, said)).numbers == {"international": "international"}
    [error] = errors_of(folder, said.replace("numbers: international", "numbers: local"))
    assert error.endswith('found "local", expected "international", "national" or "either"')


def test_phones_may_have_to_prove_who_they_are_and_then_need_a_password(folder: Path) -> None:
    text = """\
scenario: s
trunks: {phones: {kind: access, auth: digest}}
subscribers:
  alice: {number: "+8613800138001", password: s3cret}
  bob: {number: "+8613800138002"}
calls:
  - {call: a, trunk: phones, from: alice, presents: bob, to: bob, truth: scam}
"""
    scenario = read(folder, text)
    assert scenario.digest_trunks == {"phones"}
    assert plan(scenario)[0].caller == "+8613800138002"
    assert plan(scenario)[0].caller_name == "alice"
    [error] = errors_of(folder, text.replace("from: alice", "from: bob"))
    assert error.startswith("5:8: found ")
    assert error.endswith("expected a password: its phone is asked for it")
    assert read(folder, with_call("call: a, trunk: phones, from: alice, to: bob, truth: legit")).digest_trunks == set()


@pytest.mark.parametrize(
    ("trunks", "error"),
    [
        ("{domestic: {auth: digest}}", '2:27: found "digest", expected none; digest is for phones'),
        ("{phones: {kind: domestic}}", '2:25: found "domestic", expected access, as in every lab'),
        ("{phnoes: {}}", '2:10: found "phnoes", expected "international", "domestic" or "phones"'),
        ("{phones: {auth: md5}}", '2:25: found "md5", expected "none" or "digest"'),
    ],
)
def test_what_a_lab_cannot_do_for_a_trunk_is_said(folder: Path, trunks: str, error: str) -> None:
    call = "{call: a, trunk: domestic, from: '1', to: alice, truth: legit}"
    assert errors_of(folder, f"scenario: s\ntrunks: {trunks}\n{ALICE}calls: [{call}]\n") == [error]


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (
            "trunk: domestic, from: '1', presents: bob",
            'found "bob", expected nothing: only on the trunk phones may it differ from `from`',
        ),
        (
            "trunk: phones, from: alice, presents: 'two words'",
            'found "two words", expected a number, a subscriber, anonymous, or a URI',
        ),
    ],
)
def test_only_a_subscribers_phone_presents_something_else_than_it_is(folder: Path, entry: str, error: str) -> None:
    [shown] = errors_of(folder, with_call(f"call: a, {entry}, to: alice, truth: scam"))
    assert shown.endswith(error)

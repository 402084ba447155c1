"""`ringfence explain`: one raw request in, one JSON object out."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.plays.explaining import CONFIG, INVITE, ORDER, SUBSCRIBERS, Desk, explained_text
from tests.plays.reputation_source import ReputationSource, reply


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_a_refused_call_is_explained_in_full(desk: Desk) -> None:
    explained = desk.explain("006591234568", "+8613800138001")
    assert explained.pop("elapsed_us") > 0
    trace = explained.pop("trace")
    assert explained == {
        "action": "reject",
        "status": 603,
        "rule": "barring.incoming_international",
        "treatment": None,
        "label": None,
        "service": None,
        "caller": {
            "presented": "006591234568",
            "e164": "+6591234568",
            "region": "SG",
            "origin": "overseas",
            "kind": "mobile",
        },
        "callee": {
            "presented": "+8613800138001",
            "e164": "+8613800138001",
            "region": "CN",
            "origin": "domestic",
            "kind": "mobile",
        },
    }
    assert trace[0] == {
        "rule": "never_block",
        "mode": "enforce",
        "outcome": "no_match",
        "detail": "neither an emergency call nor from a number that may always call",
    }
    assert trace[-1]["outcome"] == "reject"


def test_numbers_without_a_plus_that_may_stand_for_two_are_told(desk: Desk) -> None:
    explained = desk.explain("13125550143", "13125550144")
    assert explained["caller"]["ambiguity"] == "13125550143 reads as +13125550143 (US) and as +8613125550143 (CN)"
    assert explained["callee"]["ambiguity"] == "13125550144 reads as +8613125550144 (CN) and as +13125550144 (US)"
    assert explained["trace"][0]["detail"].endswith("taken for the first on trunk international (numbers: either)")
    said = desk.explain("+13125550143", "13900139003")
    assert "ambiguity" not in said["caller"] | said["callee"]


def test_the_daughter_in_singapore_is_allowed_and_labelled(desk: Desk) -> None:
    explained = desk.explain("+6591234567", "+8613800138001")
    assert (explained["action"], explained["status"], explained["rule"]) == ("label", None, "subscriber.allow")
    assert (explained["label"], explained["service"]) == ("境外来电：新加坡", None)
    assert explained["treatment"] == {
        "label": "境外来电：{country}",
        "language": "zh",
        "only": "overseas",
        "name": "keep",
    }


def test_what_the_switch_is_asked_for_is_explained(desk: Desk) -> None:
    own = "treatment: {barring.incoming_international: {divert: {play: barred}}}"
    (desk.folder / "subscribers.yaml").write_text(SUBSCRIBERS.replace('allow: ["+6591234567"]', own))
    explained = desk.explain("+6591234567", "+8613800138001")
    assert (explained["action"], explained["service"]) == ("divert", "rf*play*barred")
    assert explained["treatment"] == {"divert": {"play": "barred"}}


@pytest.mark.parametrize(
    ("caller", "trunk", "origin", "kind"),
    [
        ("anonymous", "international", "overseas", "anonymous"),
        ("alice", "phones", "unknown", "alphanumeric"),
        ("+8613800138002", "phones", "domestic", "mobile"),
        ("+8613800138002", "international", "overseas", "mobile"),
        ("+881612345678", "phones", "overseas", "global"),
        ("++8613800138002", "phones", "domestic", "invalid"),
    ],
)
def test_the_origin_follows_from_trunk_and_number(desk: Desk, caller: str, trunk: str, origin: str, kind: str) -> None:
    explained = desk.explain(caller, "10086", trunk=trunk)
    assert (explained["caller"]["origin"], explained["caller"]["kind"]) == (origin, kind)
    assert explained["callee"] == {
        "presented": "10086",
        "e164": None,
        "region": "CN",
        "origin": "domestic",
        "kind": "short_code",
    }


@pytest.mark.parametrize(
    ("at", "rule"),
    [
        ("2026-06-30T23:59:59Z", "scam_list.prefix"),
        ("2026-07-01T00:00:00", "default.allow"),
        ("2026-07-01T07:59:59+08:00", "scam_list.prefix"),
    ],
)
def test_a_list_entry_counts_at_the_time_given(desk: Desk, at: str, rule: str) -> None:
    assert desk.explain("+23224123456", "+8613800138002", "--at", at)["rule"] == rule


@pytest.mark.parametrize("user", ["bob", "+8613800138002"])
def test_who_proved_to_be_calling_is_judged_and_held_to_their_number(desk: Desk, user: str) -> None:
    abroad = desk.explain("anonymous", "+6591234567", "--as", user, trunk="desks")
    assert (abroad["rule"], abroad["caller"]["e164"]) == ("barring.outgoing_international", "+8613800138002")
    borrowed = desk.explain("+8613800138001", "10086", "--as", user, trunk="desks")
    assert (borrowed["action"], borrowed["status"], borrowed["rule"]) == ("reject", 403, "spoofed.subscriber_number")
    assert "assumed" not in abroad.keys() | borrowed.keys()
    assert desk.explain("+8613800138001", "110", "--as", user, trunk="desks")["rule"] == "never_block"


def test_without_proof_from_is_believed_and_the_output_says_so(desk: Desk) -> None:
    explained = desk.explain("+8613800138002", "+6591234567", trunk="desks")
    assert explained["rule"] == "barring.outgoing_international"
    assert explained["assumed"] == "the caller is who From says; --as USER tells who proved to be calling"
    assert "assumed" not in desk.explain("+8613800138002", "10086", trunk="phones")


@pytest.mark.parametrize(
    ("trunk", "user", "complaint"),
    [
        ("phones", "bob", 'found --as, expected a trunk with auth: digest; "phones" asks nobody who they are'),
        ("desks", "carol", 'found --as "carol", expected the user or the number of a subscriber'),
    ],
)
def test_who_cannot_have_proved_to_be_calling_is_said(desk: Desk, trunk: str, user: str, complaint: str) -> None:
    path = desk.folder / "request.sip"
    path.write_text(INVITE.format(caller="1", callee="10086"))
    assert desk.run("--trunk", trunk, "--as", user, str(path)) == (2, "", f"ringfence explain: {complaint}\n")


@pytest.mark.parametrize("ending", ["\r\n", "\n", ""])
def test_a_request_is_read_from_standard_input_whatever_its_line_ends(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    text = INVITE.format(caller="+6591234567", callee="+8613800138001")
    data = (text.replace("\n", ending) if ending else text.strip()).encode()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    status, out, _ = desk.run("--trunk", "international", "-")
    assert (status, json.loads(out)["rule"]) == (0, "subscriber.allow")


@pytest.mark.parametrize(
    ("trunk", "request_text", "complaint"),
    [
        ("internatoinal", INVITE, 'found trunk "internatoinal", expected "international"'),
        ("nothing like one", INVITE, '"phones", "desks", "softswitch"'),
        ("international", "hello", "not a SIP start line"),
        ("international", "SIP/2.0 200 OK\n\n", "found a response, expected a request"),
        (
            "phones",
            INVITE.replace("INVITE", "REGISTER"),
            "found REGISTER, expected INVITE or MESSAGE or REFER: the policy",
        ),
    ],
)
def test_what_cannot_be_explained_is_said(desk: Desk, trunk: str, request_text: str, complaint: str) -> None:
    path = desk.folder / "request.sip"
    path.write_text(request_text)
    status, out, err = desk.run("--trunk", trunk, str(path))
    assert (status, out) == (2, "")
    assert err.startswith("ringfence explain: ")
    assert complaint in err


def test_a_missing_file_is_named(desk: Desk) -> None:
    status, _, err = desk.run("--trunk", "international", "nowhere.sip")
    assert (status, err) == (2, "nowhere.sip: No such file or directory\n")


def test_a_broken_config_is_pointed_at(desk: Desk) -> None:
    (desk.folder / "proxy.yaml").write_text(CONFIG.replace("home: CN", "home: XX"))
    status, _, err = desk.run("--trunk", "international", "-")
    assert status == 2
    assert 'proxy.yaml:3:7: found "XX", expected' in err


@pytest.mark.parametrize(("changed", "status", "reason"), [
    (("Call-ID: 1@127.0.1.1\n", ""), 400, "Call-ID missing"),
    (("Call-ID: 1@127.0.1.1", "Call-ID"), 400, 'line 6: found "Call-ID", expected a header such as'),
    (("From: <sip:2@127.0.1.1>;tag=1\n", ""), 400, "From or To missing"),
    ((";tag=1\n", ";tag=1;\n"), 400, "malformed parameter"),
    ((";tag=1\n", ";tag=\n"), 400, "malformed parameter"),
    (("Max-Forwards: 70", "Max-Forwards: x"), 400, "Max-Forwards"),
    (("Max-Forwards: 70", "Max-Forwards: 0"), 483, "Max-Forwards"),
    (("INVITE sip:1", "INVITE sips:1"), 416, "sips is for TLS"),
    (("INVITE sip:1", "INVITE sip:rf*play*1"), 404, "a service that only the proxy may ask for"),
    (("INVITE sip:1", "INVITE sip:1,2"), 404, "no user part that all read alike"),
    (("Max-Forwards: 70", "Route: <sip:192.0.2.9;lr>"), 403, "Route leads past this proxy"),
    (("Max-Forwards: 70", "Proxy-Require: x"), 420, "Proxy-Require"),
    (("Via: SIP/2.0/UDP 127.0.1.1:5060;branch=z9hG4bK1\n", ""), None, "Via missing"),
])  # fmt: skip
def test_what_the_proxy_refuses_unjudged_is_explained_with_its_answer(
    desk: Desk, changed: tuple[str, str], status: int | None, reason: str
) -> None:
    (desk.folder / "bad.sip").write_text(INVITE.format(caller="2", callee="1").replace(*changed))
    exit_code, out, err = desk.run("--trunk", "international", str(desk.folder / "bad.sip"))
    explained = json.loads(out)
    assert (exit_code, err) == (0, "")
    assert (explained["action"], explained["status"], explained["rule"]) == ("reject", status, None)
    assert reason in explained["reason"]


def test_a_domain_that_is_not_served_and_a_refer_on_a_trunk_are_refused_as_the_proxy_does(desk: Desk) -> None:
    (desk.folder / "proxy.yaml").write_text(CONFIG + "domains: [ringfence.example]\n")
    elsewhere = INVITE.format(caller="+6591234567", callee="+8613800138001").replace(
        "@127.0.0.1 ", "@elsewhere.example "
    )
    (desk.folder / "elsewhere.sip").write_text(elsewhere)
    _, out, _ = desk.run("--trunk", "international", str(desk.folder / "elsewhere.sip"))
    explained = json.loads(out)
    assert (explained["status"], explained["reason"]) == (403, "domain not served here")
    refer = INVITE.format(caller="+6591234567", callee="+8613800138001").replace("INVITE", "REFER")
    (desk.folder / "refer.sip").write_text(refer.replace("\n\n", "\nRefer-To: <sip:110@127.0.0.1>\n\n"))
    _, out, _ = desk.run("--trunk", "international", str(desk.folder / "refer.sip"))
    explained = json.loads(out)
    assert (explained["status"], explained["reason"]) == (403, "only phones may have the softswitch make calls")
    assert explained["caller"]["e164"] == "+6591234567"


def test_on_a_trunk_that_asks_for_credentials_a_stranger_is_challenged(desk: Desk) -> None:
    explained = desk.explain("+8613800138009", "10086", trunk="desks")
    assert (explained["status"], explained["rule"]) == (407, None)


def test_a_time_that_is_none_is_a_usage_error(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        desk.run("--trunk", "international", "--at", "noon", "-")
    assert exit_.value.code == 2
    assert 'found "noon", expected a time such as' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("trunk", "caller", "callee", "rule"),
    [
        ("phones", "+8613800138003", "+8613800138002", "barring.all_outgoing"),
        ("phones", "+8613800138002", "+8613800138003", "barring.all_incoming"),
        ("phones", "+8613800138003", "110", "never_block"),
        ("international", "+33123456789", "+8613800138003", "barring.all_incoming"),
        ("phones", "+8613800138002", "+8613800138004", "barring.incoming_when_roaming"),
    ],
)
def test_barring_of_all_calls_is_explained(desk: Desk, trunk: str, caller: str, callee: str, rule: str) -> None:
    people = """\
  - {number: "+8613800138003", barring: {all_incoming: on, all_outgoing: on}}
  - {number: "+8613800138004", roaming: yes, barring: {incoming_when_roaming: on}}
"""
    (desk.folder / "subscribers.yaml").write_text(SUBSCRIBERS + people)
    (desk.folder / "call.sip").write_text(INVITE.format(caller=caller, callee=callee))
    status, out, _ = desk.run("--trunk", trunk, str(desk.folder / "call.sip"))
    explained = json.loads(out)
    assert (status, explained["rule"], explained["trace"][-1]["rule"]) == (0, rule, rule)


def test_an_order_to_self_service_is_explained_with_its_reply_and_changes_nothing(desk: Desk) -> None:
    (desk.folder / "order.sip").write_text(ORDER.format(caller="+8613800138002"))
    for _ in range(2):  # as if for the first time
        status, out, _ = desk.run("--trunk", "phones", str(desk.folder / "order.sip"))
        explained = json.loads(out)
        assert (status, explained["action"], explained["rule"]) == (0, "allow", "self_service")
        assert "境外" in explained["reply"]
    assert not list(desk.folder.glob("*.db"))
    (desk.folder / "order.sip").write_text(ORDER.format(caller="+6591234567"))
    _, out, _ = desk.run("--trunk", "international", str(desk.folder / "order.sip"))
    assert (json.loads(out)["status"], json.loads(out)["rule"]) == (403, "self_service")


def domestic_call_to_who_bars_all(desk: Desk, *arguments: str) -> Any:
    home = "  domestic: {match: [127.0.2.0/24], kind: domestic, trust_identity: true}\n  phones:"
    (desk.folder / "proxy.yaml").write_text(CONFIG.replace("  phones:", home))
    (desk.folder / "subscribers.yaml").write_text(SUBSCRIBERS.replace("incoming_international", "all_incoming"))
    return desk.explain("+861062345678", "+8613800138001", *arguments, trunk="domestic")


def test_what_the_proxy_remembers_of_emergency_calls_is_an_option(desk: Desk) -> None:
    refused = domestic_call_to_who_bars_all(desk)
    assert refused["rule"] == "barring.all_incoming"
    assert refused["assumed"] == (
        "the callee called no emergency number lately; --after-emergency takes it that they did"
    )
    passes = domestic_call_to_who_bars_all(desk, "--after-emergency")
    assert (passes["rule"], passes["action"]) == ("never_block", "allow")
    assert passes["trace"][0]["detail"] == "callee called an emergency number 0 min ago"
    assert "assumed" not in passes


def test_a_call_from_abroad_is_judged_as_ever_after_an_emergency(desk: Desk) -> None:
    explained = desk.explain("+442079460900", "+8613800138001", "--after-emergency")
    assert explained["rule"] == "barring.incoming_international"
    assert "assumed" not in explained


def test_a_leg_of_the_softswitch_is_held_against_what_its_phones_owner_decided(desk: Desk) -> None:
    leg = INVITE.format(caller="+442079460123", callee="+8613800138001").replace(
        "@127.0.0.1 SIP", "@127.0.0.9:5070 SIP"
    )
    explained = explained_text(desk, leg, trunk="softswitch")
    assert (explained["action"], explained["rule"]) == ("allow", None)
    assert explained["reason"] == "what the softswitch sends is not judged (softswitch_calls: pass)"
    (desk.folder / "proxy.yaml").write_text(f"{CONFIG}softswitch_calls: judge\n")
    explained = explained_text(desk, leg, trunk="softswitch")
    assert (explained["action"], explained["status"]) == ("reject", 603)
    assert explained["rule"] == "barring.incoming_international"
    family = leg.replace("+442079460123", "+6591234567")
    assert explained_text(desk, family, trunk="softswitch")["reason"].startswith("nothing that the phone's owner")
    away = leg.replace("@127.0.0.9:5070", "@192.0.2.1")
    assert explained_text(desk, away, trunk="softswitch")["reason"] == "the Request-URI is at no trunk's address"


def test_a_remote_source_is_asked_only_where_that_is_wanted(desk: Desk) -> None:
    caller, callee = "+6591234568", "+8613800138002"
    with ReputationSource() as source:
        (desk.folder / "proxy.yaml").write_text(
            f"{CONFIG}reputation: {{ours: {{url: '{source.url}', on_failure: block}}}}\n"
        )
        unasked = desk.explain(caller, callee)
        assert (unasked["action"], unasked["rule"]) == ("label", "default.allow")
        assert unasked["assumed"] == f"ours would be asked, and has nothing against {caller}; --ask asks"
        step = {"rule": "reputation.remote", "mode": "enforce", "outcome": "asked", "detail": "asks ours"}
        assert step in unasked["trace"]
        assert source.asked == []
        source.bad.add(caller)
        asked = desk.explain(caller, callee, "--ask")
        assert (asked["action"], asked["rule"]) == ("reject", "reputation.remote")
        assert asked["trace"][-1]["detail"].startswith(f"ours rates {caller} as spam (0.90), after ")
        assert "assumed" not in asked
        source.says = reply(b"", "503 Busy")
        closed = desk.explain("+6591234569", callee, "--ask")
        assert (closed["status"], closed["rule"]) == (480, "reputation.remote")
        assert "ours: HTTP 503" in closed["trace"][-1]["detail"]
        assert source.asked == [caller, "+6591234569"]
        assert desk.explain("+23224123456", callee, "--ask", "--at", "2026-06-01")["rule"] == "scam_list.prefix"
        assert len(source.asked) == 2

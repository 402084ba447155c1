"""The switches: the next call is judged by what was changed, and what subscribers change themselves is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.plays.proxy_process import eventually
from tests.plays.stage import JSON, StagePlay, standing_stage


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    with standing_stage(tmp_path_factory.mktemp("stage")) as play:
        yield play


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    """One for all that is refused, which changes nothing."""
    with standing_stage(tmp_path_factory.mktemp("untouched")) as play:
        yield play


def settings(stage: StagePlay, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in stage.get("/api/state")["subscribers"] if each["name"] == name)
    return dict(found["settings"])


def rule(stage: StagePlay, name: str) -> dict[str, Any]:
    return dict(next(each for each in stage.get("/api/state")["rules"] if each["name"] == name))


def from_abroad(stage: StagePlay, to: str) -> dict[str, Any]:
    keys = {"from": "+442079460123", "to": to, "ring": "50ms", "talk": "50ms"}
    return stage.ended(stage.post("/api/call", **keys)["id"])


def test_the_next_call_is_judged_by_a_new_setting(stage: StagePlay) -> None:
    before = from_abroad(stage, "bob")
    stage.post("/api/settings", subscriber="bob", settings={"barring": {"incoming_international": True}})
    after = from_abroad(stage, "bob")
    stage.post("/api/settings", subscriber="bob", settings={"allow": ["0044 20 7946 0123"]})
    listed = from_abroad(stage, "bob")

    assert [each["rule"] for each in (before, after, listed)] == [
        "default.allow",
        "barring.incoming_international",
        "subscriber.allow",
    ]
    assert before["otherwise"]["en"] == "If bob barred calls from abroad, it would have been refused."
    assert after["otherwise"]["en"].startswith("If “Barring of calls from abroad” were off, the phone would have rung")
    assert settings(stage, "bob")["allow"] == ["+442079460123"]


def test_a_rule_in_shadow_mode_stops_nothing_and_is_counted(stage: StagePlay) -> None:
    stage.post("/api/rule", rule="barring.incoming_international", mode="shadow")

    assert from_abroad(stage, "alice")["outcome"] == "passed"

    eventually(lambda: rule(stage, "barring.incoming_international")["shadowed"] == 1)
    stage.post("/api/rule", rule="barring.incoming_international", mode="enforce")
    assert from_abroad(stage, "alice")["outcome"] == "blocked"
    eventually(lambda: rule(stage, "barring.incoming_international")["enforced"] == 1)
    assert rule(stage, "barring.incoming_international")["mode"] == "enforce"


def test_a_star_code_with_the_pin_and_a_keyword_change_what_the_page_shows(stage: StagePlay) -> None:
    dialled = {"from": "bob", "to": "*331*1357#", "trunk": "phones"}
    stage.post("/api/call", **dialled)
    eventually(lambda: settings(stage, "bob")["barring"]["outgoing_international"])

    text = {"from": "bob", "to": "10086", "trunk": "phones", "method": "MESSAGE", "body": "QXGJLH"}
    stage.post("/api/call", **text)

    eventually(lambda: settings(stage, "bob")["barring"]["incoming_international"])
    assert from_abroad(stage, "bob")["outcome"] == "blocked"


def test_a_refused_call_is_told_to_its_callee_who_lets_the_caller_in_by_answering(stage: StagePlay) -> None:
    from_abroad(stage, "alice")

    def texts() -> Any:
        return next(each for each in stage.get("/api/state")["subscribers"] if each["name"] == "alice")["phone"][
            "texts"
        ]

    [notice] = eventually(texts)
    assert "+442079460123" in notice["body"]
    keys = {
        "from": "alice",
        "to": notice["caller"],
        "trunk": "phones",
        "method": "MESSAGE",
        "body": "ALLOW +442079460123",
    }
    stage.post("/api/call", **keys)
    eventually(lambda: "+442079460123" in settings(stage, "alice")["allow"])
    assert from_abroad(stage, "alice")["rule"] == "subscriber.allow"


def test_toggles_and_orders_take_turns_and_the_last_one_counts(stage: StagePlay) -> None:
    text = {"from": "bob", "to": "10086", "trunk": "phones", "method": "MESSAGE", "body": "QXGJLH"}
    stage.post("/api/call", **text)
    eventually(lambda: settings(stage, "bob")["barring"]["incoming_international"])

    stage.post("/api/settings", subscriber="bob", settings={"barring": {"incoming_international": False}})

    assert from_abroad(stage, "bob")["outcome"] == "passed"


def test_who_roams_is_told_to_the_proxy(stage: StagePlay) -> None:
    stage.post(
        "/api/settings", subscriber="bob", settings={"roaming": True, "barring": {"incoming_when_roaming": True}}
    )

    assert from_abroad(stage, "bob")["rule"] == "barring.incoming_when_roaming"


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/api/settings", {"subscriber": "nobody", "settings": {}}),
        ("/api/settings", {"subscriber": "bob", "settings": {"barring": {"everything": True}}}),
        ("/api/settings", {"subscriber": "bob", "settings": {"barring": {"anonymous": "yes"}}}),
        ("/api/settings", {"subscriber": "bob", "settings": {"allow": ["000000*"]}}),
        ("/api/settings", {"subscriber": "bob", "settings": {"allow": "+1"}}),
        ("/api/settings", {"subscriber": "bob", "settings": {"password": "x"}}),
        ("/api/rule", {"rule": "default.allow", "mode": "off"}),
        ("/api/rule", {"rule": "scam_list.exact", "mode": "sometimes"}),
    ],
)
def test_what_makes_no_sense_is_refused(untouched: StagePlay, path: str, keys: dict[str, Any]) -> None:
    status, _, body = untouched.ask("POST", path, json.dumps(keys).encode(), JSON)

    assert status == 422
    assert json.loads(body)["error"]


def test_the_score_counts_calls_by_truth_and_family(stage: StagePlay) -> None:
    stage.ended(stage.post("/api/family", id="cold-call", to="alice")["id"])
    keys = {"from": "+8613900139001", "to": "bob", "trunk": "domestic", "ring": "50ms", "talk": "50ms"}
    stage.ended(stage.post("/api/call", **keys, family="friend")["id"])

    score = eventually(lambda: (found := stage.get("/api/state")["score"]) and found["calls"] == 2 and found)

    assert (score["scam_blocked"], score["legit_passed"]) == (1, 1)
    assert score["scam_recall"]["value"] == 1.0
    assert 0 < score["scam_recall"]["lower95"] < 1
    assert score["families"]["friend"]["legit_passed"] == 1
    assert score["delay"]["count"] == 1
    assert 0 < score["delay"]["p50"] < 1

"""The switches: the next call is judged by what was changed, and what subscribers change themselves is seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.subscribers.changes import Change
from simulator.stage.state import State
from tests.plays.stage import JSON, StagePlay, soon_over, standing_stage

BARRED = "barring.incoming_international"
KEYWORD = {"from": "bob", "to": "10086", "trunk": "phones", "method": "MESSAGE", "body": "QXGJLH"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    with soon_over(), standing_stage(tmp_path_factory.mktemp("stage")) as play:
        yield play


@pytest.fixture
def stage(shared: StagePlay) -> Iterator[StagePlay]:
    """The one of all tests, whose subscribers have their first settings again afterwards."""
    before = {each["name"]: each["settings"] for each in shared.get("/api/state")["subscribers"]}
    yield shared
    for each in shared.get("/api/state")["subscribers"]:
        own = before[each["name"]]
        if changed := {key: own[key] for key, value in each["settings"].items() if value != own[key]}:
            shared.post("/api/settings", subscriber=each["name"], settings=changed)


def settings(state: State, name: str) -> Any:
    return next(each["settings"] for each in state.subscribers if each["name"] == name)


def shown(stage: StagePlay, name: str) -> Any:
    """The settings that pages show."""
    return next(each["settings"] for each in stage.get("/api/state")["subscribers"] if each["name"] == name)


def rule(stage: StagePlay, name: str) -> dict[str, Any]:
    return dict(next(each for each in stage.get("/api/state")["rules"] if each["name"] == name))


def counted(stage: StagePlay, rule: str, count: str, number: int) -> None:
    """Wait until the rule has that count."""
    stage.until(lambda state: any(each["name"] == rule and each[count] == number for each in state.rules))


def from_abroad(stage: StagePlay, to: str, caller: str = "+442079460123") -> dict[str, Any]:
    keys = {"from": caller, "to": to, "ring": "50ms", "talk": "50ms"}
    return stage.ended(stage.post("/api/call", **keys)["id"])


def test_numbers_that_are_added_and_dropped_at_once_are_all_so(stage: StagePlay) -> None:
    change = stage.stage.switches.change

    async def all_at_once() -> None:
        edits = ({"drop": ["+6591234567"]}, {"add": ["+6591234568"]}, {"add": ["+6591234569"]})
        await asyncio.gather(*(change("alice", {"allow": edit}) for edit in edits))

    assert shown(stage, "alice")["allow"] == ["+6591234567"]
    stage.run(all_at_once())
    assert shown(stage, "alice")["allow"] == ["+6591234568", "+6591234569"]
    keys = {"subscriber": "alice", "settings": {"allow": {"add": 7}}}
    assert stage.ask("POST", "/api/settings", json.dumps(keys).encode(), JSON)[0] == 422


def test_a_number_is_dropped_by_any_way_to_dial_it(stage: StagePlay) -> None:
    def edited(**edit: list[str]) -> Any:
        stage.post("/api/settings", subscriber="bob", settings={"block": edit})
        return shown(stage, "bob")["block"]

    assert edited(add=["0044 20 7946 0123", "00*"]) == ["+442079460123", "00*"]
    assert edited(drop=["0044 20 7946 0123"], add=["+6591234568"]) == ["00*", "+6591234568"]
    assert edited(drop=["00*", "+442079460123"]) == ["+6591234568"]
    assert edited(drop=["+65 9123-4568"]) == []


def test_of_a_list_that_holds_too_many_or_senseless_numbers_one_can_be_dropped(stage: StagePlay) -> None:
    switches, number = stage.stage.switches, stage.stage.chosen.scenario.subscribers["bob"].number
    full = ("000000*", *(f"+65912{n:05}" for n in range(100)))
    switches._save(number, [Change(number, "block", full)], {})

    stage.post("/api/settings", subscriber="bob", settings={"block": {"drop": [full[1]]}})
    assert shown(stage, "bob")["block"] == [full[0], *full[2:]]
    stage.post("/api/settings", subscriber="bob", settings={"block": {"drop": [full[0]]}})
    assert shown(stage, "bob")["block"] == [*full[2:]]


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
    assert shown(stage, "bob")["allow"] == ["+442079460123"]


def test_a_rule_in_shadow_mode_stops_nothing_and_is_counted(stage: StagePlay) -> None:
    before = rule(stage, BARRED)
    stage.post("/api/rule", rule=BARRED, mode="shadow")

    assert from_abroad(stage, "alice")["outcome"] == "passed"

    counted(stage, BARRED, "shadowed", before["shadowed"] + 1)
    stage.post("/api/rule", rule=BARRED, mode="enforce")
    assert from_abroad(stage, "alice")["outcome"] == "blocked"
    counted(stage, BARRED, "enforced", before["enforced"] + 1)
    after = {**before, "shadowed": before["shadowed"] + 1, "enforced": before["enforced"] + 1}
    assert rule(stage, BARRED) == {**after, "mode": "enforce"}


def test_a_star_code_with_the_pin_and_a_keyword_change_what_the_page_shows(stage: StagePlay) -> None:
    dialled = {"from": "bob", "to": "*331*1357#", "trunk": "phones"}
    stage.post("/api/call", **dialled)
    stage.until(lambda state: settings(state, "bob")["barring"]["outgoing_international"])

    stage.post("/api/call", **KEYWORD)

    stage.until(lambda state: settings(state, "bob")["barring"]["incoming_international"])
    barring = shown(stage, "bob")["barring"]
    assert (barring["outgoing_international"], barring["incoming_international"]) == (True, True)
    assert from_abroad(stage, "bob")["outcome"] == "blocked"


def test_a_refused_call_is_told_to_its_callee_who_lets_the_caller_in_by_answering(stage: StagePlay) -> None:
    caller = "+442079460124"  # whom she was told nothing of before

    def texts(state: State) -> Any:
        alice = next(each for each in state.subscribers if each["name"] == "alice")
        return [each for each in alice["phone"]["texts"] if caller in each["body"]]

    from_abroad(stage, "alice", caller)
    [notice] = stage.until(texts)
    answer = {"to": notice["caller"], "body": f"ALLOW {caller}"}
    stage.post("/api/call", **{"from": "alice", "trunk": "phones", "method": "MESSAGE", **answer})
    stage.until(lambda state: caller in settings(state, "alice")["allow"])
    assert from_abroad(stage, "alice", caller)["rule"] == "subscriber.allow"


def test_toggles_and_orders_take_turns_and_the_last_one_counts(stage: StagePlay) -> None:
    stage.post("/api/call", **KEYWORD)
    stage.until(lambda state: settings(state, "bob")["barring"]["incoming_international"])

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
        ("/api/settings", {"subscriber": "bob", "settings": {"allow": {"add": "+1"}}}),
        ("/api/settings", {"subscriber": "bob", "settings": {"allow": {"drop": 7}}}),
        ("/api/settings", {"subscriber": "bob", "settings": {"allow": {"drop": ["000000*"]}}}),
        ("/api/settings", {"subscriber": "bob", "settings": {"allow": {"remove": ["+6591234567"]}}}),
        ("/api/settings", {"subscriber": "bob", "settings": {"block": {"add": [f"+65912{n:05}" for n in range(101)]}}}),
        ("/api/settings", {"subscriber": "bob", "settings": {"password": "x"}}),
        ("/api/rule", {"rule": "default.allow", "mode": "off"}),
        ("/api/rule", {"rule": "scam_list.exact", "mode": "sometimes"}),
    ],
)
def test_what_makes_no_sense_is_refused(shared: StagePlay, path: str, keys: dict[str, Any]) -> None:
    status, _, body = shared.ask("POST", path, json.dumps(keys).encode(), JSON)

    assert status == 422
    assert json.loads(body)["error"]


def test_the_score_counts_calls_by_truth_and_family(stage: StagePlay) -> None:
    stage.until(lambda state: state.score.get("calls", 0) == len(state.calls))  # those of before are over, and counted
    before = {"calls": 0, "legit_passed": 0, "scam_blocked": 0, **stage.get("/api/state")["score"]}
    delays = (before.get("delay") or {"count": 0})["count"]
    stage.ended(stage.post("/api/family", id="cold-call", to="alice")["id"])
    keys = {"from": "+8613900139001", "to": "bob", "trunk": "domestic", "ring": "50ms", "talk": "50ms"}
    stage.ended(stage.post("/api/call", **keys, family="friend")["id"])

    stage.until(lambda state: state.score.get("calls") == before["calls"] + 2)
    score = stage.get("/api/state")["score"]

    assert before["scam_blocked"] == 0
    assert (score["scam_blocked"], score["legit_passed"]) == (1, before["legit_passed"] + 1)
    assert score["scam_recall"]["value"] == 1.0
    assert 0 < score["scam_recall"]["lower95"] < 1
    assert score["families"]["friend"]["legit_passed"] == 1
    assert score["delay"]["count"] == delays + 1
    assert 0 < score["delay"]["p50"] < 1

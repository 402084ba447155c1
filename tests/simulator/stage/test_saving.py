"""A saved session is the folder of a run: the report, the ladder and another run read it as any other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.files.yaml_file import FileContext
from simulator.__main__ import main
from simulator.results.run_reader import missing_calls
from simulator.scenario.calls import Calls
from simulator.scenario.model import load_scenarios
from simulator.stage.saving import _copy, entry_of
from simulator.traffic.plan import plan
from tests.plays.pin import PIN, shows_pin
from tests.plays.stage import JSON, StagePlay, soon_over, standing_stage

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    """One on which a few calls were placed."""
    with soon_over(), standing_stage(tmp_path_factory.mktemp("stage")) as play:
        play.post("/api/settings", subscriber="bob", settings={"barring": {"incoming_international": True}})
        play.ended(play.post("/api/family", id="cold-call", to="bob")["id"])
        keys = {"from": "+8613900139001", "to": "carol", "trunk": "domestic"}
        play.ended(play.post("/api/call", **keys, display_name='=1+1 "><b>')["id"])
        text = {"from": "alice", "to": "10086", "trunk": "phones", "method": "MESSAGE", "body": "QXGJDX"}
        play.ended(play.post("/api/call", **text)["id"])
        yield play


@pytest.fixture(scope="module")
def saved(stage: StagePlay) -> Path:
    """The folder of those calls."""
    return Path(stage.post("/api/save")["folder"])


Ringfence = Callable[..., str]


@pytest.fixture
def ringfence(
    saved: Path, runs_beside_others: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ringfence:
    """The command, beside the folder of runs; returns what it printed."""
    monkeypatch.chdir(saved.parent.parent)

    def ringfence(*arguments: str) -> str:
        assert main(arguments) in (0, 1)
        return capsys.readouterr().out

    return ringfence


def test_it_holds_every_call_and_its_figures(saved: Path) -> None:
    manifest = json.loads((saved / "manifest.json").read_text())
    calls = [json.loads(line) for line in (saved / "calls.jsonl").read_text().splitlines()]

    assert (manifest["state"], manifest["valid"], manifest["played"]) == ("finished", True, 3)
    assert [each["outcome"] for each in calls] == ["blocked", "passed", "passed"]
    assert list(missing_calls(saved)) == []
    assert (saved / "report.html").stat().st_size > 10_000


def test_the_commands_read_it(saved: Path, ringfence: Ringfence) -> None:
    assert "barring.incoming_international" in ringfence("report", str(saved), "--call", "cold-call-1")
    drawn = ringfence("ladder", str(saved), "call-2")
    assert "INVITE" in drawn
    assert "180 Ringing" in drawn


def test_the_same_calls_are_played_again_with_the_settings_of_the_end(saved: Path, ringfence: Ringfence) -> None:
    [(scenario, _)] = load_scenarios([saved / "inputs" / "scenario.yaml"])

    assert scenario.subscribers["bob"].barring.incoming_international
    assert [call.id for call in plan(scenario)] == ["cold-call-1", "call-2", "call-3"]
    ringfence("run", str(saved))
    again = json.loads((saved.parent / "latest" / "metrics.json").read_text())
    assert (again["calls"], again["calls.scam_blocked"], again["calls.faults"]) == (3, 1, 0)


# --- the session goes on


@pytest.mark.usefixtures("saved")
def test_a_session_is_saved_where_only_its_hand_outs_find_no_room(
    stage: StagePlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("simulator.stage.handout.page.document", full)
    answer = stage.post("/api/save")

    assert answer["handout"] is False
    assert json.loads(Path(answer["folder"], "manifest.json").read_text())["state"] == "finished"
    assert not list(Path(answer["folder"]).glob("handout*"))


@pytest.mark.usefixtures("saved")
def test_what_cannot_be_written_whole_is_not_there_at_all(stage: StagePlay) -> None:
    runs, inputs = stage.stage.chosen.runs, stage.stage.chosen.folder / "inputs"
    before = [*sorted(each.name for each in runs.iterdir()), (runs / "latest").resolve()]
    listed = stage.get("/api/runs")
    elsewhere = inputs.rename(inputs.with_name("elsewhere"))

    status, _, body = stage.ask("POST", "/api/save", b"{}", JSON)

    elsewhere.rename(inputs)
    assert (status, str(runs) in body.decode()) == (507, True)
    assert [*sorted(each.name for each in runs.iterdir()), (runs / "latest").resolve()] == before
    assert stage.get("/api/runs") == listed


@pytest.mark.usefixtures("saved")
def test_a_report_shows_no_pin_and_the_calls_can_be_played_again_all_the_same(stage: StagePlay) -> None:
    order = {"from": "bob", "to": "*354*1357#", "trunk": "phones", "truth": "scam"}  # a wrong verdict: with its ladder
    stage.ended(stage.post("/api/call", **order)["id"])
    text = {"from": "bob", "to": "10086", "trunk": "phones", "method": "MESSAGE", "body": f"*21*{PIN}#"}
    stage.ended(stage.post("/api/call", **text)["id"])
    run = Path(stage.post("/api/save")["folder"])

    report = (run / "report.html").read_text()
    assert "*354*••••" in report
    assert "*21*••••" in report
    assert not shows_pin(report)
    assert not re.search(r"\*1357|1357(#|%23)", report)
    [(scenario, _)] = load_scenarios([run / "inputs" / "scenario.yaml"])
    assert [call.body or call.callee for call in plan(scenario)][-2:] == ["*354*1357#", f"*21*{PIN}#"]


@pytest.mark.usefixtures("saved")
def test_it_is_saved_whole_while_calls_come_by_themselves(stage: StagePlay) -> None:
    before = stage.stage.tally.calls
    stage.post("/api/traffic", scenario=None, rate=60)
    for count in (5, 15, 25):
        stage.until(lambda _, count=count: stage.stage.tally.calls > before + count)  # type: ignore[misc]
        run = Path(stage.post("/api/save")["folder"])
        for name in ("calls.jsonl", "proxy-calls.jsonl", "events.jsonl"):
            assert [json.loads(line) for line in (run / name).read_text().splitlines()]
        assert list(missing_calls(run)) == []
    assert stage.get("/api/state")["traffic"]["running"]
    stage.post("/api/traffic", stop=True)


def test_half_a_line_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n{"b"')
    _copy(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert (tmp_path / "b.jsonl").read_text() == '{"a": 1}\n'


def entries() -> Iterator[Any]:
    for scenario, _ in load_scenarios([ROOT / "scenarios"]):
        for entry in scenario.calls:
            yield pytest.param(scenario, entry, id=f"{scenario.name}/{entry.name}")


@pytest.mark.parametrize(("scenario", "entry"), list(entries()))
def test_every_call_of_the_shipped_scenarios_can_be_written_and_is_planned_alike(scenario: Any, entry: Calls) -> None:
    alone = scenario.model_copy(update={"calls": (entry.model_copy(update={"after": ()}),)})
    planned = replace(plan(alone)[0], id="x", agent="wire", expect=None)
    planned = replace(planned, caller_presses="", phone_presses="")
    numbers = {name: each.number for name, each in scenario.subscribers.items()}

    document = entry_of(planned, planned.start, numbers)

    context = FileContext(document={"subscribers": dict.fromkeys(numbers)})
    again = plan(scenario.model_copy(update={"calls": (Calls.model_validate(document, context=context),)}))[0]
    same = replace(again, campaign=planned.campaign, start=planned.start, talk=planned.talk)
    assert same == planned

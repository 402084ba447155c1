"""Calls of finished runs: listed, searched, and told as if they happened now."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.stage.finished import NoRun, events_of, report_of
from tests.plays.pin import shows_pin
from tests.plays.proxy_process import eventually
from tests.plays.stage import StagePlay, standing_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    with standing_stage(tmp_path_factory.mktemp("stage")) as play:
        play.ended(play.post("/api/family", id="cold-call", to="alice")["id"])
        keys = {"from": "+6591234567", "to": "alice", "ring": "50ms", "talk": "50ms", "display_name": "小红"}
        play.ended(play.post("/api/call", **keys)["id"])
        eventually(lambda: play.get("/api/state")["subscribers"][0]["phone"]["state"] == "idle")
        play.post("/api/save")
        yield play


def run(stage: StagePlay) -> str:
    [only] = stage.get("/api/runs")["runs"]
    assert (only["scenario"], only["played"]) == ("stage", 2)
    return str(only["id"])


def test_a_run_lists_its_calls_and_finds_those_with_words(stage: StagePlay) -> None:
    path = f"/api/runs/{run(stage)}/calls"

    assert [each["id"] for each in stage.get(path)["calls"]] == ["cold-call-1", "call-2"]
    assert [each["id"] for each in stage.get(f"{path}?q=BLOCKED%20cold")["calls"]] == ["cold-call-1"]
    assert stage.get(f"{path}?q=nothing-like-it")["calls"] == []


@pytest.mark.parametrize("name", ["cold-call-1", "call-2"])
def test_a_call_has_the_events_that_it_had(stage: StagePlay, name: str) -> None:
    told = stage.get(f"/api/runs/{run(stage)}/calls/{name}")
    live = stage.get(f"/api/calls/{name}")

    def of(events: list[dict[str, object]]) -> set[str]:
        keys = ("event", "from", "to", "first_line", "state", "words")
        return {
            str([each.get(key) for key in keys]) for each in events if each["event"] in ("message", "phone", "judged")
        }

    assert of(told["events"]) == of(live["events"])
    assert told["call"]["subscriber"] == "alice"
    assert {each["call"] for each in told["events"] if each["event"] != "placed"} == {name}
    assert told["events"][0]["event"] == "placed"
    assert told["events"][-1]["event"] == "ended"


def test_a_call_begins_with_being_placed_whatever_the_proxys_clock_says(stage: StagePlay, tmp_path: Path) -> None:
    copy = shutil.copytree(stage.stage.chosen.runs / run(stage), tmp_path / "early")
    records = copy / "proxy-calls.jsonl"
    year = re.compile(r'"timestamp":"20\d\d')
    records.write_text(year.sub('"timestamp":"2001', records.read_text()))

    names = [event["event"] for event in events_of(tmp_path, "early", "cold-call-1")]

    assert names[:2] == ["placed", "judged"]
    assert names[-1] == "ended"


@pytest.mark.parametrize(
    ("name", "member", "told"),
    [
        ("calls.jsonl", "caller_saw", "calls.jsonl:1:1: found no caller_saw"),
        ("proxy-calls.jsonl", "timestamp", "proxy-calls.jsonl:1:1: found no "),
    ],
)
def test_a_file_that_somebody_changed_is_told_with_the_place(
    stage: StagePlay, tmp_path: Path, name: str, member: str, told: str
) -> None:
    copy = shutil.copytree(stage.stage.chosen.runs / run(stage), tmp_path / "changed")
    changed = copy / name
    changed.write_text(changed.read_text().replace(f'"{member}"', '"other"'))

    with pytest.raises(NoRun, match=told):
        events_of(tmp_path, "changed", "cold-call-1")


def test_a_saved_report_is_shown_as_a_page_that_can_do_nothing_here(stage: StagePlay) -> None:
    status, headers, body = stage.ask("GET", f"/api/runs/{run(stage)}/report")

    assert status == 200
    assert headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in headers["content-security-policy"]
    assert b"<html" in body


SCENARIO = """\
scenario: orders
home: CN
preset: cn
subscribers:
  alice: {number: "+8613800138001", pin: "7913"}
calls:
  - {call: dialled, trunk: phones, from: alice, to: "*354*7913#", truth: legit}
  - {call: texted, trunk: phones, from: alice, to: "10086", method: MESSAGE, body: "*354*7913#", truth: legit}
"""


def test_the_report_of_a_run_shows_no_pin_here_as_nothing_on_the_stage_does(
    runs_beside_others: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.yaml").write_text(SCENARIO)
    main(["run", "orders.yaml", "--messages", "all"])
    [folder] = (each for each in (tmp_path / "runs").iterdir() if not each.is_symlink())
    main(["report", str(folder)])

    report = (folder / "report.html").read_text()
    shown = report_of(tmp_path / "runs", folder.name)

    assert all(
        code in report for code in ('"*354*7913#"', "<b>*354*7913#</b>", "INVITE sip:*354*7913%23@", "\n*354*7913#")
    )
    assert shows_pin(report)
    assert not shows_pin(shown)
    assert shown.partition("<script>")[1:] == report.partition("<script>")[1:]


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/../calls",
        "/api/runs/%2e%2e/calls",
        "/api/runs/..%2f..%2fetc/calls",
        "/api/runs/nothing/calls",
        "/api/runs/nothing/report",
        "/api/calls/nothing",
    ],
)
def test_nothing_else_is_shown(stage: StagePlay, path: str) -> None:
    assert stage.ask("GET", path)[0] == 404


def test_an_unknown_call_is_named(stage: StagePlay) -> None:
    status, _, body = stage.ask("GET", f"/api/runs/{run(stage)}/calls/nobody")

    assert status == 404
    assert b"found no call" in body

"""`ringfence lint`: what is in each file, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.__main__ import main
from tests.plays.command_desk import CONFIG, PEOPLE, SCENARIO, written

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_lint_says_what_is_in_every_file(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(desk / "small.yaml")
    written(desk / "list.csv", "number,category,confidence,source,expires\n+23224*,wangiri,0.9,us,\n")
    written(desk / "people.yaml", 'subscribers:\n  - {number: "+8613800138001"}\n')
    written(
        desk / "proxy.yaml",
        "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\nsubscribers: people.yaml\n",
    )
    assert main(["lint", "."]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "list.csv: a scam list of 1 entry",
        "people.yaml: 1 subscriber",
        "proxy.yaml: a proxy config",
        'small.yaml: scenario "small", 12 calls (wangiri, daughter, emergency)',
    ]


def test_recorded_calls_beside_their_scenario_are_no_scam_list(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(desk / "calls.csv", "when,a,b\n2026-03-02 08:00:00,+6591234567,+8613800138001\n")
    mapped = "map: {start: when, caller: a, callee: b}"
    written(desk / "past.yaml", f"scenario: past\nhome: CN\nrecords: {{file: calls.csv, {mapped}}}\n")
    assert main(["lint", "."]) == 0
    assert capsys.readouterr().out.splitlines() == [
        'past.yaml: scenario "past", 1 call (calls.csv)',
        "  calls.csv: 1 row, 1 call",
    ]


def test_recorded_calls_are_no_scam_list_where_their_scenario_is_wrong_either(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(desk / "calls.csv", "when,a,b\n2026-03-02 08:00:00,+6591234567,+8613800138001\n")
    written(desk / "past.yaml", "scenario: past\nhome: CN\nrecords: {file: calls.csv, map: {start: when, caller: a}}\n")
    assert main(["lint", "."]) == 2
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in told] == ["past.yaml"]


def test_calls_on_trunks_that_nobody_named_are_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        f"2026-03-02 08:00:0{n},+6591234567,+8613800138001,{trunk}" for n, trunk in enumerate(["a-1", "b-1", "b-1"])
    ]
    written(desk / "calls.csv", "\n".join(["when,a,b,via", *rows, ""]))
    meaning = "map: {start: when, caller: a, callee: b, trunk: via}, trunk: {a: domestic}"
    written(desk / "past.yaml", f"scenario: past\nhome: CN\nrecords: {{file: calls.csv, pace: 100, {meaning}}}\n")
    assert main(["lint", "past.yaml"]) == 0
    said = '2 calls on trunks that trunk: does not name came in as international: "b-1" (2)'
    assert f"  calls.csv: {said}" in capsys.readouterr().out.splitlines()
    main(["run", "past.yaml"])
    assert said in " ".join(capsys.readouterr().out.split())


def test_lint_points_to_entries_that_cover_a_country_and_to_a_line_without_an_end(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(desk / "list.csv", "category,number\nx,+23224*\nx,+232*\nx,+1*\nx,+7*\nx,+44*")
    assert main(["lint", "list.csv"]) == 0
    assert capsys.readouterr().out == (
        "list.csv: a scam list of 5 entries; 4 entries cover a whole country, and no config with that home takes them: "
        '"+232*" at 3:3, "+1*" at 4:3, "+7*" at 5:3 and 1 more; its last line has no end: was it cut?\n'
    )


def test_a_folder_is_searched_for_scenarios_and_not_for_what_tools_and_runs_left_there(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (".venv", "env", "runs/old", "deep"):
        (desk / folder).mkdir(parents=True)
        written(desk / folder / "small.yaml", SCENARIO if folder == "deep" else "scenario: [broken\n")
    written(desk / "env" / "pyvenv.cfg", "")
    written(desk / "runs" / "old" / "manifest.json", "{}")
    written(desk / "runs" / "old" / "events.jsonl", "")
    written(desk / "proxy.yaml", CONFIG)
    written(desk / "compose.yaml", "services: {}\n")
    written(desk / "mine.yaml", "description: my rules\n")
    assert main(["lint", "."]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "compose.yaml: none of Ringfence's files, not checked",
        "mine.yaml: a preset (my rules)",
        "proxy.yaml: a proxy config",
        'deep/small.yaml: scenario "small", 12 calls (wangiri, daughter, emergency)',
    ]
    assert main(["run", ".", "-k", "nothing"]) == 5


@pytest.mark.parametrize("command", ["run", "lint"])
def test_a_missing_file_is_said_to_be_missing(desk: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, "nowhere.yaml"]) == 2
    assert capsys.readouterr().err == "nowhere.yaml: no such file or directory\n"


def test_a_database_is_made_from_yaml_when_asked_and_only_then(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people, config = (
        written(desk / "people.yaml", PEOPLE),
        written(desk / "proxy.yaml", CONFIG + "subscribers: sqlite:///x.db\n"),
    )
    assert main(["lint", config]) == 2
    assert "x.db: no such file; make the database with `ringfence subscribers import" in capsys.readouterr().err
    assert not (desk / "x.db").exists()
    assert main(["subscribers", "import", people, "sqlite:///x.db"]) == 0
    assert capsys.readouterr().out == "1 subscriber put into sqlite:///x.db\n"
    assert main(["lint", config]) == 0
    assert main(["subscribers", "import", people, "x.db"]) == 2

"""The `ringfence` command as its users meet it: what it prints, what it leaves, and what it ends with."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.__main__ import main
from simulator.agents.pjsua import phones as pjsua
from simulator.lab import lab
from simulator.loopback import free_port
from simulator.play.runner import Runner
from simulator.results.messages import messages_of

pytestmark = pytest.mark.usefixtures("runs_beside_others")

SCENARIO = """\
scenario: small
home: CN
preset: cn
seed: 7
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}, allow: ["+6591234567"]}
calls:
  - campaign: wangiri
    trunk: international
    from: {prefix: "+23224", pool: 40}
    to: [alice]
    count: 10
    rate: 100/s
    ring: 0.1s
    truth: scam
  - call: daughter
    trunk: international
    from: "+6591234567"
    to: alice
    truth: legit
    expect: {action: label, rule: subscriber.allow, status: 200}
  - call: emergency
    trunk: phones
    from: alice
    to: "110"
    truth: legit
"""
THRESHOLD = "thresholds:\n  scam_recall: ['>= 0.95 lower95']\n"  # 10 of 10 prove no more than 0.72


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(path: Path, text: str = SCENARIO) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_run_as_expected_ends_with_0_and_leaves_everything_in_its_folder(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = written(desk / "small.yaml")
    assert main(["run", scenario, "--json", "result.json", "--junit", "result.xml"]) == 0
    printed = capsys.readouterr().out
    assert "small: 12 calls\n" in printed
    assert "small, straight to the softswitch: 2 calls\n" in printed
    assert "Every call was judged as expected. (exit code 0)" in printed
    (folder,) = (path for path in (desk / "runs").iterdir() if not path.is_symlink())
    assert f"Files: runs/{folder.name}/" in printed
    assert (desk / "runs" / "latest").resolve() == folder
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["state"], manifest["seed"], manifest["exit_code"], manifest["valid"]) == ("finished", 7, 0, True)
    assert list(manifest["files"]) == [scenario]
    events = [event["event"] for event in lines(folder / "events.jsonl")]
    assert events.count("call_placed") == 12 + 2
    assert [event for event in events if event != "call_placed"] == [
        "started",
        *["pass_started", *["call_ended"] * 12, "pass_ended"],
        *["pass_started", *["call_ended"] * 2, "pass_ended"],
        "finished",
    ]
    calls = {call["id"]: call for call in lines(folder / "calls.jsonl")}
    assert len(calls) == 12
    assert {call["outcome"] for call in calls.values() if call["truth"] == "scam"} == {"blocked"}
    assert calls["daughter"]["proxy_wrote"]["rule"] == "subscriber.allow"
    assert calls["emergency"]["phone_saw"]["invites"] == 1
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["calls"], metrics["scam_recall"], metrics["false_block_rate"]) == (12, 1.0, 0.0)
    assert metrics["added_setup_delay.count"] == 2
    assert len([one for one in lines(folder / "proxy-calls.jsonl") if one["event"] == "call"]) == 12
    document = json.loads((desk / "result.json").read_text())
    assert document["exit_code"] == 0
    assert document["scenarios"][0]["confusion"]["scam_blocked"] == 10
    suite = ET.parse(desk / "result.xml").getroot()  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "0", "0")


def test_the_same_seed_plays_the_same_calls_and_another_seed_others(desk: Path) -> None:
    scenario = written(desk / "small.yaml")
    callers = []
    for seed in ("11", "11", "12"):
        assert main(["run", scenario, "--seed", seed, "-k", "wangiri"]) == 0
        callers.append([call["caller"] for call in lines(desk / "runs" / "latest" / "calls.jsonl")])
    assert callers[0] == callers[1] != callers[2]


def test_the_messages_of_failed_calls_are_left_and_others_where_asked_for(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    let_through = "truth: legit\n    expect: {action: label, rule: subscriber.allow, status: 200}"
    scenario = written(desk / "small.yaml", SCENARIO.replace(let_through, "truth: scam"))
    found = {}
    for mode in ("failed", "all", "never"):
        assert main(["run", scenario, "--messages", mode]) == 1
        run = (desk / "runs" / "latest").resolve()
        by_call = {call: messages_of(run, call) for call in ("daughter", "emergency", "wangiri.01")}
        found[mode] = {call: [message.proxied for message in messages] for call, messages in by_call.items()}
        numbers = json.loads((run / "manifest.json").read_text())["messages"]
        assert numbers["mode"] == mode
        assert (numbers["kept"] > 0, numbers["dropped"] > 0, numbers["lost"]) == (mode != "never", mode == "failed", 0)
        assert (run / "messages.jsonl").exists() == (mode != "never")
        if mode == "failed":
            capsys.readouterr()
            assert main(["report", "runs/latest", "--call", "daughter"]) == 0
            (told,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  messages"))
            near, far = dict.fromkeys(message.call_id for message in by_call["daughter"])
            assert (
                told
                == f"  messages  25 in messages.jsonl, Call-ID {near}, {far}: ringfence ladder runs/latest daughter"
            )
    assert found["failed"] == {"daughter": [True] * 25, "emergency": [], "wangiri.01": []}
    assert found["all"]["daughter"][:25] == [True] * 25
    assert set(found["all"]["daughter"][25:]) == {False}
    assert found["all"]["wangiri.01"] == [True] * 3
    assert found["never"] == {"daughter": [], "emergency": [], "wangiri.01": []}


def test_a_missed_scam_is_a_wrong_verdict_and_ends_with_1(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = written(
        desk / "open.yaml", SCENARIO.replace("incoming_international: on", "incoming_international: off")
    )
    assert main(["run", scenario, "-k", "wangiri"]) == 1
    printed = capsys.readouterr().out
    assert "wrong: wangiri, 10 of 10 calls: a scam call was passed" in printed
    assert " --call wangiri.01\n" in printed


def test_a_missed_threshold_alone_ends_with_99(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "strict.yaml", SCENARIO + THRESHOLD)]) == 99
    assert "threshold undecided: scam_recall >= 0.95 lower95: 0.72" in capsys.readouterr().out


GETS_THROUGH = """\
scenario: partial
home: CN
subscribers: {alice: {number: "+8613800138001"}}
calls:
  - {campaign: good, trunk: domestic, from: "+8613900139001", to: alice, count: 3, truth: legit}
  - {campaign: bad, trunk: international, from: "+6591234568", to: alice, count: 3, truth: scam}
thresholds: {scam_recall: [">= 0.95"]}
"""


def test_a_part_of_a_scenario_is_judged_by_the_truth_of_its_calls(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = written(desk / "partial.yaml", GETS_THROUGH)
    assert main(["run", scenario]) == 99
    capsys.readouterr()
    assert main(["run", scenario, "-k", "bad", "--json", "result.json", "--junit", "result.xml"]) == 1
    printed = capsys.readouterr().out
    assert "as expected" not in printed
    assert "held to no threshold" in printed
    assert "wrong: bad, 3 of 3 calls: a scam call was passed" in printed
    document = json.loads((desk / "result.json").read_text())
    assert (document["exit_code"], len(document["scenarios"][0]["wrong"])) == (1, 3)
    suite = ET.parse(desk / "result.xml").getroot()  # noqa: S314 - our own text
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "1")
    assert main(["run", scenario, "-k", "good"]) == 0


def test_several_scenarios_get_a_folder_each_and_one_for_all(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(desk / "one.yaml", SCENARIO.replace("scenario: small", "scenario: one"))
    written(desk / "two.yaml", SCENARIO.replace("scenario: small", "scenario: two"))
    assert main(["run", ".", "-k", "daughter or two and emergency"]) == 0
    printed = capsys.readouterr().out
    assert "3 calls: 0 scam, 3 legitimate" in printed
    suite = (desk / "runs" / "latest").resolve()
    assert suite.name.endswith("-suite")
    played = json.loads((suite / "manifest.json").read_text())["scenarios"]
    counts = {each["name"]: len(lines(desk / "runs" / each["folder"] / "calls.jsonl")) for each in played}
    assert counts == {"one": 1, "two": 2}
    assert json.loads((suite / "metrics.json").read_text())["calls"] == 3


def test_a_file_named_in_two_ways_is_played_once(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = written(desk / "small.yaml")
    (desk / "link.yaml").symlink_to("small.yaml")
    assert main(["run", "small.yaml", scenario, ".", "-k", "daughter"]) == 0
    assert "1 call: 0 scam, 1 legitimate" in capsys.readouterr().out
    assert main(["lint", "small.yaml", scenario]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_where_nothing_can_be_played_nothing_is_as_expected(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pjsua, "available", lambda: (False, "real phones need PJSIP"))
    sound = GETS_THROUGH.replace("truth: legit", "truth: legit, agent: pjsua, expect: {phone_hears: caller}")
    assert main(["run", written(desk / "sound.yaml", sound), "-k", "good"]) == 5
    printed = capsys.readouterr().out
    assert "left out: 3 that need sound" in printed
    assert "as expected" not in printed


def test_a_pipe_of_the_lab_that_breaks_is_no_success(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(Runner, "play", breaks)
    assert main(["run", written(desk / "small.yaml")]) == 3
    assert "a process of the lab ended while it was needed" in capsys.readouterr().err


def test_nothing_selected_ends_with_5(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "wangiri and daughter"]) == 5
    assert "selects no call" in capsys.readouterr().err
    assert not (desk / "runs").exists()


@pytest.mark.parametrize("command", ["run", "lint"])
def test_a_broken_file_ends_with_2_and_is_told_with_line_and_column(
    command: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = written(desk / "broken.yaml", SCENARIO.replace("truth: scam", "truth: spam").replace("110", "one"))
    assert main([command, broken]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f'{broken}:15:12: found "spam", expected')
    assert second.startswith(f'{broken}:25:9: found "one", expected')


@pytest.mark.parametrize("arguments", [["run"], ["run", "x.yaml", "--softswitch", "other"], ["fly"], []])
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: ringfence" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["-h"], ["run", "--help"], ["subscribers", "import", "-h"], ["softswitch", "-h"]]
)
def test_help_is_given_on_every_level(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: ringfence")


def test_a_shell_is_told_how_commands_go_on(tmp_path: Path) -> None:
    asked = {"_RINGFENCE_COMPLETE": "bash_complete", "COMP_WORDS": "ringfence so", "COMP_CWORD": "1"}
    told = subprocess.run(
        [sys.executable, "-P", "-m", "simulator"], env=os.environ | asked, capture_output=True, text=True, timeout=60
    )
    assert told.stdout == "plain,softswitch\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "ringfence: error: Missing command.\n"),
        (["softswitch"], "ringfence softswitch: error: Missing command.\n"),
        (["run", "x", "--softswitch", "other"], 'found "other", expected embedded or docker\n'),
        (["schema", "csv"], 'found "csv", expected scenario or config or subscribers or reputation\n'),
    ],
)
def test_wrong_usage_is_told_in_two_lines(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    error = capsys.readouterr().err
    assert error.endswith(told)
    assert len(error.splitlines()) == 2


def test_a_bad_selection_ends_with_2(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "wangiri and"]) == 2
    assert "expected a name, found the end" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        (["--json", "nowhere/result.json"], "nowhere/result.json: there is no folder nowhere; make it first"),
        (["--json", "folder"], "folder: this is a folder; --json takes the name of a file"),
        (["--junit", "folder"], "folder: this is a folder; --junit takes the name of a file"),
        (["--junit", "small.yaml"], "small.yaml: --junit would overwrite the scenario of that name"),
        (["--json", "x", "--junit", "./x"], "x: --junit would overwrite the file of --json of that name"),
        (["--json", "/proc/version"], "/proc/version: it may not be written here"),
    ],
)
def test_a_report_that_could_not_be_written_is_told_before_the_run(
    reports: list[str], told: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "folder").mkdir()
    if "/proc/version" in reports and os.access("/proc/version", os.W_OK):
        pytest.skip("whoever runs this may write everything")
    assert main(["run", written(desk / "small.yaml"), *reports]) == 2
    assert capsys.readouterr().err == f"ringfence run: {told}\n"
    assert not (desk / "runs").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_report_that_fails_after_the_calls_ends_with_3_and_loses_nothing_else(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = ["--json", "/dev/full", "--junit", "result.xml"]
    assert main(["run", written(desk / "small.yaml"), "-k", "daughter", *reports]) == 3
    told = capsys.readouterr()
    assert told.err == "ringfence run: /dev/full: not written: No space left on device\n"
    assert "1 call: 0 scam, 1 legitimate" in told.out
    assert (desk / "result.xml").exists()


def test_a_suite_keeps_what_was_played_before_a_scenario_that_cannot_be_set_up(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = iter([free_port()])

    def one_port() -> int:
        if (port := next(ports, None)) is None:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        return port

    monkeypatch.setattr(lab, "free_port", one_port)
    names = ("first", "second", "third")
    files = [written(desk / f"{name}.yaml", SCENARIO.replace("scenario: small", f"scenario: {name}")) for name in names]
    assert main(["run", *files, "--json", "r.json", "--junit", "r.xml"]) == 3
    told = capsys.readouterr().out
    assert "second: not set up: cannot open a socket on loopback: Address already in use" in told
    assert "second: note: not begun: 1 more scenario (third)" in told
    first, second = json.loads((desk / "r.json").read_text())["scenarios"]
    assert (first["set_up"], first["exit_code"], first["confusion"]["scam_blocked"]) == (True, 0, 10)
    assert (second["set_up"], second["exit_code"], second["unfinished"]) == (False, 3, 12)
    assert (desk / "r.xml").exists()
    assert json.loads((desk / "runs" / "latest" / "manifest.json").read_text())["exit_code"] == 3


def test_a_call_of_a_run_is_shown_with_what_every_rule_said(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "daughter"]) == 0
    capsys.readouterr()
    assert main(["report", "runs/latest", "--call", "daughter"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("daughter, INVITE on trunk international from +6591234567 to +86138")
    assert "  became    passed" in told
    assert not any("messages.jsonl" in line for line in told)
    assert any(line.strip().startswith("never_block (enforce) no_match: ") for line in told)
    assert main(["report", "runs/latest", "--call", "dauhter"]) == 2
    assert 'calls.jsonl: found no call "dauhter", expected "daughter"' in capsys.readouterr().err
    assert main(["report", "runs", "--call", "daughter"]) == 2
    assert "this is no folder of a run" in capsys.readouterr().err


def test_a_place_where_no_folder_can_be_made_ends_with_3(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(desk / "runs", "a file")
    assert main(["run", written(desk / "small.yaml")]) == 3
    assert capsys.readouterr().err.startswith("ringfence: runs")


def test_without_an_engine_the_docker_softswitch_is_refused_with_advice(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{desk / 'no.sock'}")
    assert main(["run", written(desk / "small.yaml"), "--softswitch", "docker"]) == 3
    told = capsys.readouterr()
    assert "needs a Docker engine" in told.err
    assert "docker" in told.err.partition("; ")[2]  # the command that mends it
    assert not told.out
    assert not (desk / "runs").exists()


def test_a_taken_port_ends_the_proxy_with_3_and_says_who_holds_it(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        config = written(tmp_path / "proxy.yaml", f"listen: [udp:127.0.0.1:{port}]\nsoftswitch: udp:127.0.0.1:9\n")
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "simulator", "proxy", config], capture_output=True, text=True, timeout=30
        )
    assert ended.returncode == 3
    assert f"127.0.0.1:{port} is in use" in ended.stderr


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


@pytest.mark.parametrize("command", ["lint", "run"])
@pytest.mark.parametrize(
    ("row", "told"), [("+23224*,wangiri,", "2:17: found 3 fields, expected 2"), ("+86*,wangiri", '2:1: found "+86*"')]
)
def test_a_scenario_whose_list_is_wrong_is_not_played(
    desk: Path, capsys: pytest.CaptureFixture[str], command: str, row: str, told: str
) -> None:
    written(desk / "list.csv", f"number,category\n{row}\n")
    written(desk / "small.yaml", SCENARIO.replace("calls:", "scam_lists: [list.csv]\ncalls:", 1))
    assert main([command, "small.yaml"]) == 2
    assert f"list.csv:{told}" in capsys.readouterr().err


def test_lint_points_to_entries_that_cover_a_country_and_to_a_line_without_an_end(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(desk / "list.csv", "category,number\nx,+23224*\nx,+232*\nx,+1*\nx,+7*\nx,+44*")
    assert main(["lint", "list.csv"]) == 0
    assert capsys.readouterr().out == (
        "list.csv: a scam list of 5 entries; 4 entries cover a whole country, and no config with that home takes them: "
        '"+232*" at 3:3, "+1*" at 4:3, "+7*" at 5:3 and 1 more; its last line has no end: was it cut?\n'
    )


CONFIG = "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n"
PEOPLE = 'subscribers:\n  - {number: "+8613800138001"}\n'


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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CONFIG, "this is a proxy config: run it with `ringfence proxy`"),
        (PEOPLE, "this is a subscribers file"),
        ("description: my rules\n", "this is a preset"),
        ("services: {}\n", "this is none of Ringfence's files"),
    ],
)
def test_run_says_what_a_file_is_that_is_no_scenario(
    desk: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    assert main(["run", written(desk / "x.yaml", text)]) == 2
    assert capsys.readouterr().err.startswith(f"{desk / 'x.yaml'}: {told}")


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


@pytest.mark.parametrize("name", ["scenario", "config", "subscribers", "reputation"])
def test_every_format_has_a_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]


def test_doctor_says_what_is_there_and_that_the_lab_can_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "ok       Python 3." in printed
    assert printed.endswith("The lab can run here.\n")


def test_explain_is_part_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(
        tmp_path / "proxy.yaml",
        "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n"
        "trunks: {abroad: {match: [127.0.1.1], kind: international}}\n",
    )
    request = written(
        tmp_path / "invite.sip",
        "INVITE sip:+8613800138001@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
        "From: <sip:+6591234567@x>;tag=1\r\nTo: <sip:+8613800138001@x>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
    )
    assert main(["explain", "--config", config, "--trunk", "abroad", request]) == 0
    assert json.loads(capsys.readouterr().out)["caller"]["region"] == "SG"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_changes_no_exit_code(desk: Path, unbuffered: str) -> None:
    written(desk / "small.yaml")
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in (["run", "small.yaml", "-k", "daughter"], ["lint", "small.yaml"]):
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "simulator", *arguments],
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        assert (ended.returncode, ended.stderr) == (0, "")
    os.close(writer)


LONG = SCENARIO.replace("count: 10", "count: 1000").replace("rate: 100/s", "rate: 20/s")


def children(*pids: object) -> list[str]:
    return [child for pid in pids for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Started:
    """A run in a process of its own, once calls are under way; `proxies` are its proxy and what that was forked off."""

    def __init__(self, folder: Path) -> None:
        second = written(folder / "second.yaml", LONG.replace("scenario: ", "scenario: second-"))
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "simulator", "run", written(folder / "long.yaml", LONG), second],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        events = folder / "runs" / "latest" / "events.jsonl"
        wait_until(lambda: events.exists() and "pass_started" in events.read_text())
        forked_off = children(self.process.pid)
        self.proxies = [Path("/proc", pid, "cmdline") for pid in (*forked_off, *children(*forked_off))]
        assert len(self.running()) == 2

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def running(self) -> list[Path]:
        """Those of the proxies that still run; what has ended and is not yet buried has no command line."""
        return [cmdline for cmdline in self.proxies if cmdline.exists() and cmdline.read_bytes()]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_with_130_a_valid_partial_folder_and_no_process(
    number: signal.Signals, tmp_path: Path
) -> None:
    with Started(tmp_path) as run:
        run.process.send_signal(number)
        printed, _ = run.process.communicate(timeout=20)
        assert run.process.returncode == 130, printed
        assert "Interrupted" in printed
        assert "as expected" not in printed
        assert "not begun: 1 more scenario (second-" in printed
        assert run.running() == []
    folder = tmp_path / "runs" / "latest"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["state"] == "interrupted"
    calls = lines(folder / "calls.jsonl")
    assert [call["disagreements"] for call in calls if call["outcome"] == "fault"] == []
    assert len(calls) + manifest["unfinished"] == 1002
    assert lines(folder / "events.jsonl")[-1]["event"] == "interrupted"


def test_who_interrupts_before_anything_is_read_sees_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("simulator.cli.commands.main", interrupted)
    assert main(["run", "long.yaml"]) == 130


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_run_leaves_no_proxy_behind(tmp_path: Path) -> None:
    with Started(tmp_path) as run:
        run.process.kill()
        run.process.communicate(timeout=10)
        wait_until(lambda: not run.running())


def test_the_ladder_of_a_failed_call_is_drawn_after_the_run_and_later(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["run", written(desk / "wrong.yaml", SCENARIO.replace("rule: subscriber.allow", "rule: default.allow"))])
        == 1
    )
    after = capsys.readouterr().out
    assert "|------INVITE----->|" in after
    assert main(["ladder", "runs/latest", "daughter", "--messages"]) == 0
    later = capsys.readouterr().out.splitlines()
    assert later[0].startswith("daughter: INVITE from +6591234567")
    assert len(later) > 30
    assert "\n".join(later[3:9]) in after
    assert any(line.startswith("INVITE sip:") for line in later)
    assert main(["ladder", "runs/latest", "daughter", "--direct"]) == 0
    assert main(["ladder", "runs/latest", "dauhter"]) == 2
    assert 'found no call "dauhter", expected "daughter"' in capsys.readouterr().err

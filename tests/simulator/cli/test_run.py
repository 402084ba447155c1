"""`ringfence run`: what it prints, what it leaves, and what it ends with."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.agents.pjsua import phones as pjsua
from simulator.lab import lab
from simulator.loopback import free_port
from simulator.play.runner import Runner
from simulator.results.messages import messages_of
from tests.plays.command_desk import (
    CONFIG,
    GETS_THROUGH,
    PEOPLE,
    SCENARIO,
    THRESHOLD,
    Started,
    lines,
    wait_until,
    written,
)

pytestmark = pytest.mark.usefixtures("runs_beside_others")


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
    assert list(manifest["files"]) == ["inputs/scenario.yaml"]
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
        assert (run / "messages.bin").exists() == (mode != "never")
        if mode == "failed":
            capsys.readouterr()
            assert main(["report", "runs/latest", "--call", "daughter"]) == 0
            (told,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  messages"))
            near, far = dict.fromkeys(message.call_id for message in by_call["daughter"])
            assert (
                told == f"  messages  25 in messages.bin, Call-ID {near}, {far}: ringfence ladder runs/latest daughter"
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_run_leaves_no_proxy_behind(tmp_path: Path) -> None:
    with Started(tmp_path, from_nothing=True) as run:
        run.process.kill()
        run.process.communicate(timeout=10)
        wait_until(lambda: not run.running())

"""`ringfence load`, with its processes."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from subprocess import PIPE

import pytest

from simulator.__main__ import main
from simulator.lab import proxy_forks
from simulator.lab.proxy_process import ProxyProcess
from simulator.load.rig import Rig
from simulator.results.histograms import read_histograms
from simulator.results.run_folder import RunFolder
from tests.plays import forked
from tests.plays.command_desk import SCENARIO, lines, written
from tests.plays.held import held
from tests.plays.proxy_process import eventually
from tests.plays.proxy_templates import forked_proxies

pytestmark = [
    pytest.mark.usefixtures("runs_beside_others"),
    pytest.mark.skipif(sys.platform != "linux", reason="takes Linux"),
]
SECONDS = Path("runs/latest/load-seconds.jsonl")
# On a machine that has much else to do.
EASY = ("--ramp", "0.2s", "--p99", "30s", "--failures", "50%", "--processes", "1")


@pytest.fixture
def rigs(monkeypatch: pytest.MonkeyPatch) -> list[Rig]:
    """The rigs of the loads of a test, once they are there."""
    opened: list[Rig] = []

    async def open_rig(rig: Rig) -> Rig:
        opened.append(rig)
        return await enter(rig)

    enter = Rig.__aenter__
    monkeypatch.setattr(Rig, "__aenter__", open_rig)
    return opened


def test_a_rate_is_held_and_leaves_a_folder_that_is_loaded_again(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = written(desk / "small.yaml")
    files = ("--html", "l.html", "--json", "l.json")
    code = main(["load", scenario, "--rate", "40", "--hold", "1s", *files, *EASY, "--processes", "2"])
    out = capsys.readouterr().out
    assert (code, "40 calls/s held. (exit code 0)" in out) == (0, True), out
    run = Path("runs/latest")
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["load.rate"], metrics["calls"], metrics["calls.failed"]) == (40.0, 40, 0)
    heard = metrics["setup_delay_from_due.count"] + metrics["time_to_refusal_from_due.count"]
    assert heard == metrics["send_lateness.count"] == 40
    assert metrics["transit_time.count"] == metrics["setup_delay_from_due.count"] > 0
    assert metrics["decision_time.count"] > 0
    assert read_histograms(run).times["setup_delay"].count == metrics["setup_delay.count"]
    load = json.loads((run / "load.json").read_text())
    assert load == json.loads(Path("l.json").read_text())
    manifest = json.loads((run / "manifest.json").read_text())
    for name, each in (("load", load), ("manifest", manifest), ("metrics", metrics)):
        held(name, [each])
    assert held("load-seconds", lines(run / "load-seconds.jsonl")) > 0
    assert main(["report", "runs/latest"]) == 0
    assert (run / "report.html").read_text() == Path("l.html").read_text()
    capsys.readouterr()
    assert main(["run", "runs/latest"]) == 2
    assert "ringfence load runs/latest/inputs/scenario.yaml" in capsys.readouterr().err
    assert main(["load", "runs/latest", "--rate", "10", "--hold", "0.3s", *EASY]) == 0
    again = json.loads((run / "manifest.json").read_text())
    assert again["source"].endswith("/inputs/scenario.yaml")
    assert again["calls"] == manifest["calls"]
    assert "10 calls/s held." in capsys.readouterr().out


def test_the_whole_chain_is_loaded_where_a_softswitch_is_asked_for(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = written(desk / "small.yaml")
    assert main(["load", scenario, "--rate", "20", "--hold", "1s", "--softswitch", "embedded", *EASY]) == 0
    assert "behind the proxy was the embedded softswitch: what did not hold may be its limit" in capsys.readouterr().out
    run = Path("runs/latest")
    load = json.loads((run / "load.json").read_text())
    held("load", [load])
    assert load["softswitch"] == json.loads((run / "manifest.json").read_text())["softswitch"] == "embedded"
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["calls.failed"] == metrics["calls.wrong"] == 0
    assert metrics["setup_delay.count"] > 0
    assert "transit_time.count" not in metrics  # the phones are not the next ones


def test_a_search_ends_at_the_highest_rate_asked_for_where_all_hold(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["load", written(desk / "small.yaml"), "--rate", "10..20", "--hold", "0.5s", *EASY])
    out = capsys.readouterr().out
    assert (code, "The highest rate that held was 20 calls/s; no more was asked for." in out) == (0, True), out
    assert json.loads(Path("runs/latest/load.json").read_text())["highest_rate"] == 20.0


def test_a_limit_that_nothing_can_meet_is_missed_or_the_load_measured_itself(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hard = ("--rate", "10", "--hold", "0.5s", "--ramp", "0s", "--p99", "0.001ms", "--processes", "1")
    assert main(["load", written(desk / "small.yaml"), *hard]) in (99, 3)
    assert "(limit 0.001 ms)" in capsys.readouterr().out


def test_where_nothing_can_be_forked_off_its_processes_are_started_from_nothing(
    desk: Path, monkeypatch: pytest.MonkeyPatch, rigs: list[Rig]
) -> None:
    monkeypatch.setattr("simulator.lab.proxy_forks.proxy_forks", lambda *_: nullcontext())
    assert main(["load", written(desk / "small.yaml"), "--rate", "20", "--hold", "0.2s", *EASY]) == 0
    began = (rigs[0].proxy, *(each.process for each in (rigs[0].far_end, *rigs[0].generators)))
    assert len({each.pid for each in began}) == 3
    assert json.loads(Path("runs/latest/metrics.json").read_text())["calls.failed"] == 0


def test_ctrl_c_ends_it_in_order_and_keeps_what_was_measured(desk: Path) -> None:
    command = [sys.executable, "-m", "simulator", "load", written(desk / "small.yaml"), "--rate", "30", "--hold", "60s"]
    process = forked.start([*command, *EASY], stdout=PIPE)
    eventually(
        lambda: process.poll() is not None or (SECONDS.exists() and any(each["placed"] for each in lines(SECONDS)))
    )
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert (process.returncode, "Interrupted: the figures hold what was measured" in out) == (130, True), out
    assert json.loads(Path("runs/latest/metrics.json").read_text())["calls"] > 0
    assert json.loads(Path("runs/latest/manifest.json").read_text())["state"] == "interrupted"


def loaded_while(meddle: Callable[[], None], *arguments: str) -> int:
    """The exit code of a load with which somebody meddles once calls were placed."""

    def beside() -> None:
        eventually(lambda: SECONDS.exists() and any(each["placed"] for each in lines(SECONDS)))
        meddle()

    with ThreadPoolExecutor(1) as thread:
        meddling = thread.submit(beside)
        code = main(["load", *arguments])
        meddling.result()
    return code


def test_a_generator_that_stands_still_for_a_while_is_told_and_its_calls_have_waited(
    desk: Path, capsys: pytest.CaptureFixture[str], rigs: list[Rig]
) -> None:
    def stand_still() -> None:
        known = len(lines(SECONDS))
        generator = rigs[0].generators[0].process.pid
        os.kill(generator, signal.SIGSTOP)
        eventually(lambda: len(lines(SECONDS)) > known + 1)
        os.kill(generator, signal.SIGCONT)

    arguments = ("--rate", "30", "--hold", "3s", "--ramp", "0.2s", "--processes", "1")
    code = loaded_while(stand_still, written(desk / "small.yaml"), *arguments)
    out = capsys.readouterr().out
    assert (code, "INVALID: the generators were late: 1 call in 100 left" in out) == (3, True), out
    metrics = json.loads(Path("runs/latest/metrics.json").read_text())
    late = max(metrics.get(f"{name}_from_due.max", 0.0) for name in ("setup_delay", "time_to_refusal"))
    assert late >= metrics["send_lateness.max"]  # nothing is left out of what a caller would have waited for


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--rate", "0"), 'found "0", expected calls a second'),
        (("--rate", "20..10"), 'found "20..10", expected calls a second'),
        (("--hold", "10"), 'found "10", expected a duration such as "10s"'),
        (("--failures", "2"), 'found "2", expected a share such as "0.1%"'),
        (("-k", "wangiri and"), "expected a name, found the end"),
        (("--hold", "0s"), "--hold takes some time"),
        (("--hold", "9" * 400 + "s"), "expected a duration of at most 3650 days"),
        (("--ramp", "87601h"), 'found "87601h", expected a duration of at most 3650 days'),
        (("--rate", "0.5..9", "--hold", "1s"), "--rate 0.5 places no call in --hold 1s"),
        (("--json", "no/where.json"), "there is no folder no"),
    ],
)
def test_options_that_cannot_be_are_told(
    desk: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, ...], told: str
) -> None:
    with pytest.raises(SystemExit) if "expected" in told and "-k" not in option else nullcontext():
        assert main(["load", written(desk / "small.yaml"), *option]) == 2
    assert told in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_folder_of_several_scenarios_is_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        written(desk / f"{name}.yaml", SCENARIO.replace("scenario: small", f"scenario: {name}"))
    assert main(["load", str(desk)]) == 2
    assert "found 2 scenarios, expected one: name its file" in capsys.readouterr().err


def test_a_selection_of_nothing_is_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", written(desk / "small.yaml"), "-k", "nobody"]) == 5
    assert "no call is left that can be placed" in capsys.readouterr().err


def test_a_link_to_a_scenario_has_its_files_beside_itself(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "elsewhere").mkdir()
    records = "records: {file: calls.csv, pace: 100, map: {start: when, caller: from, callee: to}}"
    written(desk / "elsewhere" / "recorded.yaml", f"scenario: recorded\nhome: CN\npreset: cn\n{records}\n")
    written(desk / "calls.csv", "when,from,to\n2026-01-01 00:00:00,+6591234567,+8613800138001\nnever,1,2\n")
    (desk / "recorded.yaml").symlink_to(desk / "elsewhere" / "recorded.yaml")
    assert main(["load", "recorded.yaml", "--rate", "5", "--hold", "0.4s", *EASY]) == 0
    out = capsys.readouterr().out
    assert "5 calls/s held." in out
    assert "calls.csv: 1 row of 2 left out; the first: " in out


def test_what_was_measured_is_told_where_there_is_no_room_for_it(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: RunFolder, name: str, data: object) -> None:
        if name != "manifest.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(_, name, data)

    write = RunFolder.write
    monkeypatch.setattr(RunFolder, "write", full)
    assert main(["load", written(desk / "small.yaml"), "--rate", "20", "--hold", "0.2s", *EASY]) == 3
    shown = capsys.readouterr()
    assert "Times at 20 calls/s" in shown.out
    assert "(exit code 3)" in shown.out
    assert "load.json" not in shown.out
    assert "not written: No space left on device" in shown.err
    assert json.loads(Path("runs/latest/manifest.json").read_text())["state"] == "failed"


def test_a_generator_that_is_killed_ends_the_load_and_what_was_heard_until_then_is_kept(
    desk: Path, capsys: pytest.CaptureFixture[str], rigs: list[Rig]
) -> None:
    def kill() -> None:
        os.kill(rigs[0].generators[0].process.pid, signal.SIGKILL)

    options = ("--rate", "30", "--hold", "60s", *EASY, "--json", "l.json")
    code = loaded_while(kill, written(desk / "small.yaml"), *options)
    out = capsys.readouterr().out
    assert (code, "INVALID: a generator of the load ended (SIGKILL); see " in out) == (3, True), out
    assert "it was broken off after " in out
    (plateau,) = json.loads(Path("l.json").read_text())["plateaus"]
    assert plateau["calls"] > 0
    assert plateau["failures"] == {}
    assert json.loads(Path("runs/latest/metrics.json").read_text())["send_lateness.count"] == plateau["calls"]


@pytest.mark.parametrize("fate", ["it ends", "it hangs"])
def test_a_proxy_that_ends_too_soon_or_too_late_is_told(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rigs: list[Rig], fate: str
) -> None:
    async def stopped(proxy: ProxyProcess) -> None:
        await stop(proxy)  # of one that had to be killed it returns nothing

    stop = ProxyProcess.stop
    scenario = written(desk / "small.yaml")
    if fate == "it ends":
        options = ("--rate", "30", "--hold", "60s", *EASY)
        assert loaded_while(lambda: os.kill(rigs[0].proxy.pid, signal.SIGKILL), scenario, *options) == 3
    else:
        monkeypatch.setattr(ProxyProcess, "stop", stopped)
        assert main(["load", scenario, "--rate", "20", "--hold", "0.2s", *EASY]) == 0
    out = capsys.readouterr().out
    assert ("INVALID: the proxy ended amid the load; see " in out) == (fate == "it ends")
    assert ("note: the proxy did not end when and as it was told to (see proxy.log)" in out) == (fate == "it hangs")


def test_a_load_does_not_wait_for_the_process_that_others_are_forked_off_where_that_is_stopped(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rigs: list[Rig]
) -> None:
    monkeypatch.setattr(proxy_forks, "_TOLD_WITHIN", 0.1)
    templates: list[int] = []

    def stop() -> None:
        status = Path(f"/proc/{rigs[0].proxy.pid}/stat").read_text()
        templates.append(int(status.rpartition(")")[2].split()[1]))
        os.kill(templates[0], signal.SIGSTOP)

    with forked_proxies() as forks:
        monkeypatch.setattr(proxy_forks, "proxy_forks", lambda *_: nullcontext(forks))
        code = loaded_while(stop, written(desk / "small.yaml"), "--rate", "30", "--hold", "2s", *EASY)
        os.kill(templates[0], signal.SIGCONT)
    out = capsys.readouterr().out
    assert (code, "that one of these had ended: it was stopped, or hangs; all was done without it" in out) == (
        0,
        True,
    ), out
    assert rigs[0].counters is not None


def test_a_file_of_a_load_that_somebody_changed_is_told_with_the_place(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", written(desk / "small.yaml"), "--rate", "20", "--hold", "0.8s", *EASY]) == 0
    run = Path("runs/latest")
    for name, old, new, told in (
        ("load.json", '"rate":', '"rats":', r"load\.json:\d+:\d+: found no plateaus\.0\.rate, expected one"),
        ("load.json", '"shown": 0', '"shown": 7', r"load\.json: shown: found 7, expected a place of a plateau"),
        ("load.json", '"p99": 30.0', '"p99": "x"', r"load\.json:\d+:10: found p99: 'x', expected a valid number"),
        ("load.json", '"plateaus"', "plateaus", r"load\.json:"),
        ("metrics.json", "20.0", "[]", r"metrics\.json:\d+:\d+: found load\.rate: \[\], expected a valid number"),
        ("manifest.json", '"exit_code"', '"exit"', "this load has not come to its end"),
        ("manifest.json", '"started"', '"star"', r"manifest\.json: found no started, expected one"),
        (
            "manifest.json",
            '"finished"',
            '"never"',
            r"manifest\.json:2:12: found state: 'never', expected 'running', 'finished', ",
        ),
        ("load-seconds.jsonl", '"placed"', '"laced"', r"load-seconds\.jsonl:1:1: found no placed, expected one"),
    ):
        text = (run / name).read_text()
        assert old in text
        (run / name).write_text(text.replace(old, new))
        assert main(["report", "runs/latest"]) == 2, name
        assert re.search(told, capsys.readouterr().err)
        (run / name).write_text(text)
    assert main(["report", "runs/latest"]) == 0

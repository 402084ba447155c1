"""Faults that are planted into a lab turn the figure red that is about them, and no other."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulator.__main__ import main
from simulator.addresses import Address
from simulator.exit_code import ExitCode
from simulator.judging import result as judging
from simulator.judging.result import Result
from simulator.lab.proxy_forks import ForkedProcess, ProxyForks
from simulator.play.jobs import jobs
from simulator.play.runner import Settings
from simulator.play.session import Session
from simulator.report import junit
from simulator.results import run_folder
from simulator.results.calls_file import write_calls
from simulator.results.events import CallPlaced, Event, MessageSeen, RunListener
from simulator.scenario.model import load_scenarios
from tests.plays.command_desk import written
from tests.plays.proxy_templates import forked_template

SOUND = """\
scenario: sound
home: CN
preset: cn
seed: 7
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}}
  bob: {number: "+8613800138002"}
calls:
  - campaign: overseas
    trunk: international
    from: {prefix: "+23224", pool: 20}
    to: alice
    count: 20
    rate: 100/s
    truth: scam
  - campaign: friends
    trunk: domestic
    from: {prefix: "+861390013", pool: 20, length: 13}
    to: bob
    count: 20
    rate: 100/s
    truth: legit
  - campaign: neighbours
    trunk: domestic
    from: {prefix: "+861380013", pool: 5, length: 13}
    to: bob
    count: 5
    rate: 100/s
    truth: legit
thresholds:
  scam_recall: [">= 0.8 lower95"]
  false_block_rate: ["<= 0.2 upper95"]
  added_setup_delay: ["p50 < 30ms"]
"""
QUICK = SOUND.replace("p50 < 30ms", "p50 < 60s")  # for faults that have nothing to do with time


class SlowProxies(ProxyForks):
    """In the place of forked proxies: some that hear of each datagram 30 ms late."""

    async def fork(self, module: str, arguments: Sequence[str], streams: Mapping[int, int]) -> ForkedProcess | None:
        """Fork such a one off."""
        assert module == "proxy.__main__"
        return await super().fork("tests.plays.slow_proxy", arguments, streams)


class Doorbell:
    """Has alice's phone ring for each overseas call, whatever the proxy says: a copy of the INVITE goes there."""

    hears = frozenset((MessageSeen,))

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._phone: Address | None = None
        self.rang = 0

    def __call__(self, event: Event) -> None:
        """Take note of where phones register from, and ring one."""
        if not isinstance(event, MessageSeen) or not event.proxied:
            return
        if event.data.startswith(b"REGISTER ") and event.sender[0] == "127.0.3.1":  # the trunk of phones
            self._phone = event.sender
        elif event.data.startswith(b"INVITE ") and event.sender[0] == "127.0.1.1" and self._phone is not None:
            host, port = self._socket.getsockname()
            via = f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-doorbell-{self.rang}\r\n".encode()
            copy = re.sub(rb"^INVITE [^ ]*", b"INVITE sip:alice@127.0.3.1", event.data)
            self._socket.sendto(re.sub(rb"Via: [^\r]*\r\n", via, copy, count=1), self._phone)
            self.rang += 1

    def close(self) -> None:
        """Take it off the door."""
        self._socket.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are valid also on a machine that lags."""
    monkeypatch.setattr(judging, "LATENESS_BOUND", 60.0)


def played(folder: Path, text: str, *listeners: RunListener, **settings: Any) -> Result:
    """The result of a scenario."""
    scenarios = load_scenarios([Path(written(folder / "sound.yaml", text))])
    session = Session(folder / "runs", listeners, Settings(**settings))
    (result,) = asyncio.run(session.play(list(jobs(scenarios))))
    return result


def red(result: Result) -> list[str]:
    """The thresholds that were missed."""
    return [held.threshold.figure for held in result.missed]


@pytest.mark.usefixtures("patient")
def test_without_a_fault_all_is_green(tmp_path: Path, forks: Any) -> None:
    result = played(tmp_path, QUICK, forks=forks)
    assert (red(result), result.invalid_because, result.exit_code) == ([], (), ExitCode.AS_EXPECTED)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("planted", "figure", "rule"),
    [
        ("rules: {barring.incoming_international: off}\n", "scam_recall", "default.allow"),
        ("scam_lists: [wrong.csv]\n", "false_block_rate", "scam_list.prefix"),
    ],
    ids=["a rule that is off", "a list that names friends"],
)
def test_a_policy_with_one_wrong_rule(tmp_path: Path, forks: Any, planted: str, figure: str, rule: str) -> None:
    (tmp_path / "wrong.csv").write_text("number,category,confidence,source,expires\n+861390013*,scam,1,test,\n")
    result = played(tmp_path, QUICK.replace("subscribers:\n", f"{planted}subscribers:\n", 1), forks=forks)
    assert (red(result), result.invalid_because) == ([figure], ())
    assert result.exit_code is ExitCode.THRESHOLD_MISSED
    row = result.figures.accuracy.by_rule[rule]
    assert (row.scam_passed, row.legit_blocked) == ((20, 0) if figure == "scam_recall" else (0, 20))


@pytest.mark.skipif(sys.platform != "linux", reason="proxies are forked on Linux only")
@pytest.mark.usefixtures("patient")
def test_a_proxy_that_is_30_ms_slower(tmp_path: Path) -> None:
    with closing(SlowProxies(forked_template)) as forks:
        result = played(tmp_path, SOUND, forks=forks)
    assert (red(result), result.invalid_because, result.wrong) == (["added_setup_delay"], (), ())
    added = result.figures.latency.added
    assert added is not None
    assert added.p50 >= 0.03


@pytest.mark.usefixtures("patient")
def test_a_phone_that_rings_when_it_should_not(tmp_path: Path, forks: Any) -> None:
    doorbell = Doorbell()
    try:
        result = played(tmp_path, QUICK, doorbell, forks=forks)
    finally:
        doorbell.close()
    assert doorbell.rang == len(result.faults) == 20
    (why,) = result.invalid_because
    assert "caller, phone and proxy disagree about 20 of 45 calls" in why
    assert "the proxy recorded reject but the phone saw an INVITE" in why
    assert result.exit_code is ExitCode.ENVIRONMENT


def test_a_generator_that_lags(tmp_path: Path, forks: Any) -> None:
    def dawdle(event: Event) -> None:
        if isinstance(event, CallPlaced) and event.proxied and event.call.id.endswith(".01"):
            time.sleep(judging.LATENESS_BOUND + 0.3)  # the event loop of the callers stands still

    result = played(tmp_path, QUICK, dawdle, forks=forks)
    assert any(why.startswith("the call generator lagged: 1 call in 100 left ") for why in result.invalid_because)
    assert result.exit_code is ExitCode.ENVIRONMENT
    assert '<error message="the call generator lagged' in junit.document([result])


@contextmanager
def one_row_less(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have runs write all calls but the last."""
    whole = write_calls

    def all_but_the_last(path: Path, result: Result) -> None:
        whole(path, result)
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "write_calls", all_but_the_last)
        yield


@pytest.mark.usefixtures("runs_beside_others")
def test_a_report_that_drops_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = written(tmp_path / "sound.yaml", QUICK)
    with one_row_less(monkeypatch):
        assert main(["run", scenario, "--html", "report.html"]) == 3
    said = "calls.jsonl: found 44 calls, expected the 45 that were played: do not use it"
    assert said in capsys.readouterr().err
    assert "calls.jsonl has 44" in Path("report.html").read_text()
    assert main(["report", "runs/latest"]) == 3
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("runs_beside_others")
def test_a_table_that_drops_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", written(tmp_path / "sound.yaml", QUICK)]) == 0
    monkeypatch.setattr("simulator.cli.reporting.write_parquet", lambda _run, _target: 44)
    assert main(["report", "runs/latest", "--parquet", "calls.parquet"]) == 3
    assert "45 calls were played, and 44 are told of: do not use this report" in capsys.readouterr().err

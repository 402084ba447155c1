"""A session from Python: what its listeners hear, what it leaves alone, and how it is stopped."""

from __future__ import annotations

import errno
import gc
import os
import signal
from pathlib import Path

import pytest

from simulator.exit_code import ExitCode
from simulator.lab import lab
from simulator.lab.proxy_forks import ProxyForks
from simulator.lab.proxy_process import ProxyProcess
from simulator.play.jobs import Job, jobs
from simulator.play.runner import Settings
from simulator.play.session import Session
from simulator.results.events import (
    CallEnded,
    CallJudged,
    CallPlaced,
    Event,
    MessageSeen,
    PassBegan,
    PassEnded,
    RunBegan,
    RunEnded,
    RunFailed,
    Tick,
)
from simulator.scenario.model import load_scenarios

TEXT = """\
scenario: NAME
subscribers: {alice: {number: "+8613800138001"}}
preset: cn
home: CN
calls:
  - {campaign: good, trunk: domestic, from: "+8613912345678", to: alice, count: 2, rate: 20/s, truth: legit}
"""


def written(folder: Path, *names: str, text: str = TEXT) -> list[Job]:
    paths = [folder / f"{name}.yaml" for name in names]
    for path in paths:
        path.write_text(text.replace("NAME", path.stem))
    return list(jobs(load_scenarios(paths)))


async def test_listeners_hear_of_a_run_from_its_beginning_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], forks: ProxyForks | None
) -> None:
    gc.enable()  # which the command line, in a test before this one, leaves as its run needs it
    heard: list[Event] = []
    (result,) = await Session(tmp_path / "runs", [heard.append], Settings(forks=forks)).play(written(tmp_path, "small"))
    told = [type(event) for event in heard if not isinstance(event, Tick)]
    one_pass = {PassBegan, CallPlaced, CallEnded, PassEnded}
    assert told[0] is RunBegan
    (began,) = (event for event in heard if isinstance(event, RunBegan))
    assert [event.call for event in heard if isinstance(event, CallPlaced) and event.proxied] == list(began.calls)
    assert set(told[1:13]) == one_pass
    assert [told.count(kind) for kind in (PassBegan, CallPlaced, CallEnded, PassEnded)] == [2, 4, 4, 2]
    assert told[-3:] == [CallJudged, CallJudged, RunEnded]
    assert [event.at for event in heard] == sorted(event.at for event in heard)
    assert isinstance(heard[-1], RunEnded)
    assert heard[-1].result == result
    assert capsys.readouterr() == ("", "")
    assert gc.isenabled()


async def test_a_call_that_waits_for_others_is_placed_once_they_have_ended(
    tmp_path: Path, forks: ProxyForks | None
) -> None:
    heard: list[Event] = []
    text = TEXT + '  - {call: next, after: good, trunk: domestic, from: "+8613912345678", to: alice, truth: legit}\n'
    job = written(tmp_path, "in-turn", text=text)
    (result,) = await Session(tmp_path / "runs", [heard.append], Settings(forks=forks)).play(job)
    told = [event for event in heard if isinstance(event, CallPlaced | CallEnded) and event.proxied]
    assert [type(event) for event in told[-3:]] == [CallEnded, CallPlaced, CallEnded]
    assert isinstance(told[-2], CallPlaced)
    assert told[-2].call.id == "next"
    assert result.exit_code == ExitCode.AS_EXPECTED


class Watching:
    """A listener to messages alone."""

    hears = frozenset((MessageSeen,))

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.heard.append(event)


async def test_a_listener_that_asks_for_messages_gets_them_as_they_pass(
    tmp_path: Path, forks: ProxyForks | None
) -> None:
    watching = Watching()
    settings = Settings(messages="never", forks=forks)
    (result,) = await Session(tmp_path / "runs", [watching], settings).play(written(tmp_path, "small"))
    assert {type(event) for event in watching.heard} == {MessageSeen}
    messages = [event for event in watching.heard if isinstance(event, MessageSeen)]
    for proxied in (True, False):
        said = [each.data.split(b" ")[0] for each in messages if each.proxied == proxied]
        assert said[0] == b"REGISTER"
        assert said.count(b"INVITE") == (4 if proxied else 2) * 2
    assert not (result.folder / "messages.bin").exists()


async def test_a_session_that_is_stopped_ends_its_run_and_begins_no_other(
    tmp_path: Path, forks: ProxyForks | None
) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, CallEnded):
            session.stop()

    session = Session(tmp_path / "runs", [stop], Settings(forks=forks))
    slow = TEXT.replace("20/s", "1/s")
    results = await session.play(written(tmp_path, "first", "second", text=slow))
    assert [(result.name, result.interrupted, result.unfinished) for result in results] == [("first", True, 1)]
    assert results[0].notes == ("not begun: 1 more scenario (second)",)


async def test_a_call_that_was_under_way_when_its_session_was_stopped_was_not_played_to_its_end(
    tmp_path: Path, forks: ProxyForks | None
) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, CallPlaced) and event.call.id == "good.2":
            session.stop()

    session = Session(tmp_path / "runs", [stop], Settings(forks=forks))
    long = TEXT.replace("20/s", "2/s, ring: 0s, talk: 60s")
    (result,) = await session.play(written(tmp_path, "talks", text=long))
    assert (result.calls, result.unfinished) == ((), 2)


async def test_a_lab_that_cannot_be_set_up_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> int:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(lab, "free_port", none_left)
    heard: list[Event] = []
    (result,) = await Session(tmp_path / "runs", [heard.append]).play(written(tmp_path, "small"))
    assert not result.set_up
    assert [type(event) for event in heard] == [RunBegan, RunFailed]


async def test_a_run_whose_proxy_ends_is_over_whatever_calls_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: ProxyForks | None
) -> None:
    proxies: list[ProxyProcess] = []
    start = ProxyProcess.start

    async def started(config: Path, log: Path, forks: ProxyForks | None = None) -> ProxyProcess:
        proxies.append(await start(config, log, forks))
        return proxies[-1]

    def kill(event: Event) -> None:
        if isinstance(event, CallEnded) and proxies:
            os.kill(proxies.pop().pid, signal.SIGKILL)

    monkeypatch.setattr(ProxyProcess, "start", started)
    to_alice = 'trunk: domestic, from: "+8613912345678", to: alice, truth: legit'
    text = TEXT + "".join(
        f"  - {{call: {name}, after: {after}, {to_alice}}}\n" for name, after in [("b", "good"), ("c", "b")]
    )
    heard: list[Event] = []
    session = Session(tmp_path / "runs", [heard.append, kill], Settings(forks=forks))
    (result,) = await session.play(written(tmp_path, "small", text=text))
    assert result.problems == ("the proxy ended amid the run (see proxy.log)",)
    assert "c" not in [event.call.id for event in heard if isinstance(event, CallPlaced)]
    assert result.unfinished == 4 - len(result.calls) >= 2
    assert result.exit_code == ExitCode.ENVIRONMENT

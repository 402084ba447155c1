"""Whole runs with real phones: what was heard counts, and a worker that dies costs its own calls only."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from simulator.agents.pjsua import phones as pjsua
from simulator.exit_code import ExitCode
from simulator.judging.result import Result
from simulator.lab import real_phones
from simulator.media.prompts import prompt
from simulator.media.recognition import tone
from simulator.play.jobs import Job, jobs, with_agents_at_hand
from simulator.play.runner import Settings
from simulator.play.session import Session
from simulator.results.message_recorder import PROXYS
from simulator.results.messages import messages_of
from simulator.results.run_reader import find_call
from simulator.scenario.model import load_scenarios
from simulator.softswitch.embedded import softswitch as embedded
from tests.plays.phone_workers import workers

pytestmark = pytest.mark.phones
TOLD = """\
scenario: told
subscribers:
  alice:
    number: "+8613800138001"
    barring: {incoming_international: on}
    treatment: {barring.incoming_international: {reject: "603", announce: barred}}
calls:
  - call: told
    trunk: international
    from: "+12025550143"
    to: alice
    agent: pjsua
    truth: scam
    expect: {status: 603, caller_hears: barred, phone_hears: nothing}
"""
TALKS = """\
scenario: talks
subscribers: {alice: {number: "+8613800138001"}, bob: {number: "+8613800138002"}}
calls:
  - {call: by-phone, trunk: domestic, from: "+8613912345678", to: alice, agent: pjsua, talk: 1s, truth: legit}
  - {campaign: by-wire, trunk: domestic, from: "+8613912345678", to: bob, count: 5, start: 3s, truth: legit}
"""


def job(folder: Path, text: str) -> Job:
    path = folder / "scenario.yaml"
    path.write_text(text)
    (only,) = jobs(load_scenarios([path]), 1)
    return only


async def play(folder: Path, text: str) -> Result:
    (result,) = await Session(folder / "runs").play([job(folder, text)])
    return result


async def test_an_announcement_counts_if_it_is_the_one_that_was_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "as it is").mkdir()
    assert (await play(tmp_path / "as it is", TOLD)).exit_code is ExitCode.AS_EXPECTED
    monkeypatch.setattr(embedded, "prompt", lambda _: prompt("locked"))
    swapped = await play(tmp_path, TOLD)
    assert [why for _, why in swapped.wrong] == [
        "the caller heard no barred (but locked); reject by barring.incoming_international, and the caller got 603"
    ]
    assert swapped.exit_code is ExitCode.WRONG_VERDICT


async def test_phones_that_are_connected_and_hear_nothing_are_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_phones, "tone", lambda hz, seconds: tone(hz, seconds) * (hz < 500))
    result = await play(tmp_path, TALKS)
    assert [(call.id, call.disagreements) for call in result.faults] == [
        ("by-phone", ("the caller did not hear the phone",))
    ]
    assert result.exit_code is ExitCode.ENVIRONMENT


async def test_the_messages_of_real_phones_are_recorded_once_as_the_proxy_saw_them(tmp_path: Path) -> None:
    settings = Settings(messages="all")
    (result,) = await Session(tmp_path / "runs", settings=settings).play([job(tmp_path, TALKS)])
    found = messages_of(result.folder, find_call(result.folder, "by-phone").call_id)
    invites = [message for message in found if message.data.startswith(b"INVITE ")]
    assert len(invites) == 4
    assert [one.receiver for one in invites[:-1]] == [one.sender for one in invites[1:]]
    assert len({(message.sender, message.receiver, message.data) for message in found}) == len(found)
    assert not (result.folder / PROXYS).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
async def test_a_worker_that_dies_is_a_fault_of_its_calls_and_the_run_goes_on(tmp_path: Path) -> None:
    playing = asyncio.create_task(play(tmp_path, TALKS.replace("talk: 1s", "talk: 30s")))
    try:
        async with asyncio.timeout(20):
            while not is_recording(tmp_path):  # noqa: ASYNC110 - what happens in another process
                await asyncio.sleep(0.05)
        (worker,) = workers()
        os.kill(worker, signal.SIGKILL)
        result = await playing
    finally:
        playing.cancel()
    (fault,) = result.faults
    assert fault.id == "by-phone"
    assert fault.caller_saw.error is not None
    assert f"the phone worker {worker} ended with -9" in fault.caller_saw.error
    assert result.figures.accuracy.total.legit_passed == 5
    assert result.exit_code is ExitCode.ENVIRONMENT
    assert not workers()


def is_recording(folder: Path) -> bool:
    """True if the called phone has answered."""
    return any(folder.glob("runs/latest/recordings/phone-by-phone.wav"))


def test_calls_that_need_sound_are_left_out_where_there_are_no_real_phones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pjsua, "available", lambda: (False, "real phones need PJSIP"))
    replaced, notes = with_agents_at_hand(job(tmp_path, TOLD))
    assert replaced.calls == ()
    assert replaced.partial
    assert notes[-1] == "left out: 1 that need sound, so what is heard was not checked"

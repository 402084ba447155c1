"""Every softswitch does the same with callers when the proxy asks it to, as they hear it."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import pytest

from simulator.agents.orders import Order
from simulator.agents.pjsua.phones import PhonePool
from simulator.media.recognition import heard, which_prompt
from simulator.media.recordings import recording_path
from simulator.softswitch.embedded import put_through
from tests.plays.contract_lab import ALICE, CAROL, MOTHER, ContractLab, MakeTalker, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHALLENGE, WARN = f"rf*challenge*5*{ALICE.number}", f"rf*warn*{ALICE.number}"
CALLER_HZ, CALLEE_HZ = 440, 1000
OUTSIDE = True  # see `lab`


async def test_numbers_of_nobody_go_outside(lab: ContractLab) -> None:
    placed = await lab.place(Order("outside", MOTHER, "+88216550100", talk=0.0))
    assert placed.status == 200
    assert [each.number for each in lab.far.taken["outside"]] == ["+88216550100"]


async def test_an_announcement_is_heard_and_then_the_call_is_refused(lab: ContractLab, talker: MakeTalker) -> None:
    caller = await talker("caller", CALLER_HZ)
    caller.call("rf*announce*barred")
    await caller.sees("603")
    assert "200" not in caller.events
    early = caller.message("183")
    # Asterisk plays early media without saying so.
    assert early.header("p-early-media") == ("sendrecv" if lab.kind == "embedded" else None)
    assert b"m=audio" in early.body
    assert caller.heard_prompt() == "barred"


async def test_something_is_said_and_hung_up(talker: MakeTalker) -> None:
    caller = await talker("caller", CALLER_HZ)
    caller.call("rf*play*changed")
    await caller.sees("200", "BYE")
    assert caller.heard_prompt() == "changed"


@pytest.mark.parametrize("service", ["voicemail", "honeypot"])
async def test_a_caller_is_spoken_to_and_recorded(lab: ContractLab, talker: MakeTalker, service: str) -> None:
    caller = await talker("caller", CALLER_HZ)
    call_id = caller.call(f"rf*{service}*{ALICE.number}")
    await caller.sees("200")
    path = recording_path(lab.folder, service, call_id)
    seconds = (3.5 if service == "voicemail" else 4.5) - (2 if lab.kind == "embedded" else 0)
    await until(lambda: path.exists() and path.stat().st_size > 16000 * seconds)
    caller.hang_up()
    await until(lambda: _complete(path) and heard(path, CALLER_HZ) > 1.0)
    assert caller.heard_prompt() == service


def _complete(path: Path) -> bool:
    """True if the switch has written the file's head."""
    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() > 0
    except (wave.Error, EOFError):
        return False


async def test_who_presses_the_key_is_put_through(talker: MakeTalker) -> None:
    callee = await talker("callee", CALLEE_HZ, registers=ALICE)
    caller = await talker("caller", CALLER_HZ)
    call_id = caller.call(CHALLENGE, [("Alert-Info", "<urn:alert:tone:suspect>")])
    await caller.sees("200")
    await asyncio.sleep(1.0)
    assert callee.events == []
    await caller.press("5")
    await callee.sees("INVITE", "ACK")
    invite = callee.message("INVITE")
    assert invite.header("x-ringfence-call") == call_id
    assert invite.header("alert-info") == "<urn:alert:tone:suspect>"
    await caller.hears(CALLEE_HZ, 0.4)
    await callee.hears(CALLER_HZ, 0.4)
    caller.hang_up()
    await callee.sees("BYE")
    assert callee.heard_tone(CALLER_HZ) > 0.4
    assert caller.heard_tone(CALLEE_HZ) > 0.4


@pytest.mark.parametrize("key", ["4", ""])
async def test_who_does_not_press_the_key_never_rings_the_phone(
    lab: ContractLab, talker: MakeTalker, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    if lab.kind == "embedded":
        monkeypatch.setattr(put_through, "ANSWER_TIME", 1.0)
    callee = await talker("callee", CALLEE_HZ, registers=ALICE)
    caller = await talker("caller", CALLER_HZ)
    caller.call(CHALLENGE)
    await caller.sees("200")
    for _ in range(2 if key else 0):
        await asyncio.sleep(0.5)
        await caller.press(key)
    await caller.sees("BYE", within=40)
    assert callee.events == []
    assert caller.heard_prompt("goodbye")
    assert key or caller.heard_prompt("challenge-5")


@pytest.mark.parametrize("key", ["1", None])
async def test_the_called_one_is_warned_first(talker: MakeTalker, key: str | None) -> None:
    callee = await talker("callee", CALLEE_HZ, registers=ALICE)
    caller = await talker("caller", CALLER_HZ)
    call_id = caller.call(WARN)
    await callee.sees("INVITE", "ACK")
    await asyncio.sleep(1.0)
    assert callee.message("INVITE").header("x-ringfence-call") == call_id
    assert "180" in caller.events
    assert "200" not in caller.events
    if key is not None:
        await callee.press(key)
    await caller.sees("200")
    await caller.hears(CALLEE_HZ, 0.4)
    await callee.hears(CALLER_HZ, 0.4)
    callee.hang_up()
    await caller.sees("BYE")
    assert caller.heard_tone(CALLEE_HZ) > 0.4
    assert callee.heard_tone(CALLER_HZ) > 0.4
    if key is None:
        assert callee.heard_prompt() == "warning"


async def test_who_hangs_up_on_the_warning_declines_the_call(talker: MakeTalker) -> None:
    callee = await talker("callee", CALLEE_HZ, registers=ALICE)
    caller = await talker("caller", CALLER_HZ)
    caller.call(WARN)
    await callee.sees("INVITE", "ACK")
    await asyncio.sleep(0.5)
    callee.hang_up()
    await caller.sees("603")
    assert "200" not in caller.events


async def test_a_caller_may_give_up_during_the_warning(talker: MakeTalker) -> None:
    callee = await talker("callee", CALLEE_HZ, registers=ALICE)
    caller = await talker("caller", CALLER_HZ)
    caller.call(WARN)
    await caller.sees("180")
    await callee.sees("ACK")
    caller.hang_up()
    await caller.sees("487")
    await callee.sees("BYE")


@pytest.mark.parametrize(
    ("service", "status"),
    [
        ("rf*nothing*x", "404"),
        ("rf*play*unheard", "404"),
        ("rf*announce*unheard", "404"),
        (f"rf*challenge*x*{ALICE.number}", "404"),
        (f"rf*warn*{CAROL.number}", "480"),
    ],
)
async def test_what_there_is_not_is_refused(talker: MakeTalker, service: str, status: str) -> None:
    caller = await talker("caller", CALLER_HZ)
    caller.call(service)
    await caller.sees(status)


@pytest.mark.phones
async def test_a_real_phone_hears_the_announcement(lab: ContractLab, tmp_path: Path) -> None:
    async with PhonePool() as pool:
        phone = await pool.phone("+15550100", server=lab.address, bind="127.0.0.1")
        call = await phone.call("rf*announce*barred", record=tmp_path / "heard.wav")
        ended = await call.wait("ended")
        assert ended.status == 603
        assert not call.first("answered")
    assert which_prompt(tmp_path / "heard.wav") == "barred"

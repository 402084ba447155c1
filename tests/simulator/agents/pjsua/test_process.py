"""Worker processes of real phones: they die, hang, run full and are left by their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulator.agents.pjsua import phones as pjsua
from simulator.agents.pjsua.phones import BUSY, Behaviour, PhoneError, PhoneFault, PhonePool

pytestmark = pytest.mark.phones
CALLER, CALLEE = "127.0.0.51", "127.0.0.52"


async def test_a_text_of_a_dying_worker_is_a_fault() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind((CALLEE, 0))
        async with PhonePool() as pool:
            caller = await pool.phone("alice", bind=CALLER)
            sending = asyncio.create_task(caller.text(f"sip:bob@{CALLEE}:{deaf.getsockname()[1]}", "hello"))
            deaf.settimeout(5)
            assert (await asyncio.to_thread(deaf.recv, 65535)).startswith(b"MESSAGE ")
            os.kill(await caller.pid(), signal.SIGKILL)
            with pytest.raises(PhoneFault, match="ended with -9"):
                await sending


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGABRT])
async def test_a_dying_worker_is_a_fault_of_its_calls_and_is_replaced(sign: signal.Signals) -> None:
    async with PhonePool(phones_per_worker=1) as pool:
        callee, caller = await pool.phone("bob", bind=CALLEE), await pool.phone("alice", bind=CALLER)
        made = await caller.call(callee.uri)
        taken = await callee.next_call()
        await made.wait("answered")
        before = callee.uri
        os.kill(await callee.pid(), sign)
        with pytest.raises(PhoneFault, match=f"ended with -{sign.value}"):
            await taken.wait("ended")
        await taken.hang_up()  # harmless
        with pytest.raises(PhoneError, match="over"):
            await taken.dtmf("1")
        assert not made.over  # the other worker's phone does not know
        await made.hang_up()
        again = await caller.call(callee.uri)  # a dead phone does not answer ...
        await callee.behave(Behaviour())  # ... until it is used
        assert callee.uri == before
        await again.wait("answered")
        assert (await callee.next_call()).call_id == again.call_id


async def test_a_worker_that_hangs_is_killed_and_replaced(pool: PhonePool, monkeypatch: pytest.MonkeyPatch) -> None:
    callee, caller = await pool.phone("bob", bind=CALLEE), await pool.phone("alice", bind=CALLER)
    hung = await callee.pid()
    os.kill(hung, signal.SIGSTOP)
    monkeypatch.setattr("simulator.agents.pjsua.process.COMMAND_S", 0.2)
    with pytest.raises(PhoneFault, match="hung"):
        await callee.behave(BUSY)
    monkeypatch.undo()
    assert not _alive(hung)
    await callee.behave(BUSY)
    assert await callee.pid() != hung
    assert (await (await caller.call(callee.uri)).wait("ended")).status == 486


async def test_a_call_that_finds_no_room_in_the_worker_is_told_from_a_busy_phone(pool: PhonePool) -> None:
    callee, caller = await pool.phone("bob", bind=CALLEE), await pool.phone("alice", bind=CALLER)
    for _ in range(2):  # two calls, each of which has both its ends here
        await (await caller.call(callee.uri)).wait("answered")
    with pytest.raises(PhoneError, match="Too many"):
        await caller.call(callee.uri)
    async with PhonePool() as elsewhere:
        stranger = await elsewhere.phone("carol", bind=CALLER)
        assert (await (await stranger.call(callee.uri)).wait("ended")).status == 486
    trouble = callee.first("trouble")
    assert trouble
    assert "from PJSIP itself" in trouble.text


async def test_forty_phones_at_once_and_nothing_is_left(tmp_path: Path) -> None:
    async with PhonePool() as pool:
        phones = await asyncio.gather(
            *(pool.phone(f"phone{n}", bind=f"127.0.0.{100 + n}", behaviour=Behaviour(talk=0.3)) for n in range(40))
        )
        workers = {await phone.pid() for phone in phones}
        ports = [phone.uri.partition("@")[2].rsplit(":") for phone in phones]
        calls = await asyncio.gather(*(phones[n].call(phones[n + 20].uri) for n in range(20)))
        for call in calls:
            await call.wait("ended")
        assert [call.status for call in calls] == [200] * 20
        assert all(len(phone.calls) == 1 and not list(phone.all("trouble")) for phone in phones)
        assert len(workers) == 10
    assert not any(_alive(pid) for pid in workers)
    for host, port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((host, int(port)))


async def test_two_hundred_phones_come_and_go(pool: PhonePool) -> None:
    callee = await pool.phone("callee", bind=CALLEE)
    workers = set()
    for n in range(200):
        phone = await pool.phone(f"phone{n}", bind=CALLER)
        workers.add(await phone.pid())
        if n % 20 == 0:
            await (await phone.call(callee.uri)).wait("answered")
        await phone.close()
    assert len(callee.calls) == 10
    assert pool.phones == [callee]
    assert sum(map(_alive, workers)) <= 2  # the one of the phone that stays, and the one in use


def test_a_killed_parent_leaves_no_worker() -> None:
    program = (
        "import asyncio\n"
        "from simulator.agents.pjsua.phones import PhonePool\n"
        "async def main():\n"
        "    async with PhonePool() as pool:\n"
        "        print(await (await pool.phone('alice', bind='127.0.0.53')).pid(), flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    for sign in (signal.SIGKILL, signal.SIGINT):
        with subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as parent:
            assert parent.stdout
            worker = int(parent.stdout.readline())
            assert _alive(worker)
            parent.send_signal(sign)
        deadline = time.monotonic() + 5
        while _alive(worker) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not _alive(worker), sign


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_without_pjsip_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pjsua.available() == (True, "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    usable, reason = pjsua.available()
    assert not usable
    assert "pjsua2-python" in reason
    with pytest.raises(PhoneError, match="pjsua2-python"):
        await PhonePool().__aenter__()
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    assert "Python 3.11 or 3.12" in pjsua.available()[1]

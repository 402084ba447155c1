"""Asterisk by itself: what it makes of a phone's refusal and of asserted identities, as in docker/README.md's tables.

The same Asterisk and modules as the softswitch, but with a dialplan of one plain Dial().
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable

import pytest
import pytest_asyncio

from proxy.sip.message import Request, Response
from simulator.softswitch.asterisk.softswitch import AsteriskSoftswitch
from simulator.softswitch.embedded.registrar import Account
from tests.plays import ROOT
from tests.plays.contract_lab import ALICE
from tests.plays.docker_engine import need_an_engine
from tests.plays.stranger import Stranger

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.docker]

REFERENCE = ROOT / "docker" / "README.md"
TRUSTING = """
[plain](calling)
context = plain
trust_id_inbound = yes
[plain]
type = identify
endpoint = plain
match_request_uri = /^sip:plain@/
"""


def table(heading: str) -> list[list[str]]:
    """The cells of the table that begins so, without its first row."""
    text = REFERENCE.read_text(encoding="utf-8").partition(heading)[2].partition("\n\n")[0]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in text.splitlines()[2:]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asterisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AsteriskSoftswitch]:
    need_an_engine()
    accounts = [Account(ALICE.number, ALICE.user, ALICE.password)]
    folder = tmp_path_factory.mktemp("plain")
    async with AsteriskSoftswitch(("127.0.0.1", 0), accounts, folder=folder) as switch:
        with (folder / "switch" / "accounts.conf").open("a", encoding="utf-8") as file:
            file.write(TRUSTING)
        await switch.command("module reload res_pjsip.so")
        await switch.command("dialplan add extension plain,1,Dial,PJSIP/ringfence*proxy/alice into plain")
        await switch.command("dialplan add extension plain,2,Hangup into plain")
        yield switch


async def call(
    asterisk: AsteriskSoftswitch, *headers: tuple[str, str], answer: int, more: Iterable[tuple[str, str]] = ()
) -> tuple[Request, Response]:
    """Call alice's phone, which answers so; returns what reached it, and what came back."""
    phone, caller = Stranger(asterisk.address), Stranger(asterisk.address)
    contact = f"sip:alice@{phone.host}:{phone.port}"
    assert await phone.register(ALICE, ALICE.password, contact) == 200
    basics = [
        ("From", f"<sip:unknown@{caller.host}>;tag=x"),
        ("To", "<sip:plain@127.0.0.1>"),
        ("Call-ID", f"plain-{caller.port}"),
        ("CSeq", "1 INVITE"),
        ("Contact", f"<sip:{caller.host}:{caller.port}>"),
    ]
    caller.send(caller.request("INVITE", f"sip:plain@127.0.0.1:{asterisk.address[1]}", [*basics, *headers]))
    reached = await phone.receive(lambda each: isinstance(each, Request) and each.method == "INVITE")
    assert isinstance(reached, Request)
    phone.send(reached.reply(answer, headers=more, to_tag="phone"))
    came_back = await caller.final()
    assert await phone.register(ALICE, ALICE.password, contact, expires=0) == 200
    phone.close()
    caller.close()
    return reached, came_back


async def test_refusals_become_what_the_reference_says(asterisk: AsteriskSoftswitch) -> None:
    told = {int(row[0]): int(row[1]) for row in table("| the phone's refusal |")}
    assert set(told) >= {428, 433, 486, 603, 607, 608}
    seen = {}
    for status in told:
        _, answer = await call(asterisk, answer=status, more=[("Reason", f'SIP;cause={status};text="own words"')])
        assert "own words" not in "".join(answer.headers("reason"))
        seen[status] = answer.status
    assert seen == told


async def test_asserted_identities_are_read_as_the_reference_says(asterisk: AsteriskSoftswitch) -> None:
    rows = table("| P-Asserted-Identity |")
    seen = []
    for written, _ in rows:
        headers = [("P-Asserted-Identity", value.strip(" `")) for value in written.split(" and, on the next line, ")]
        reached, _ = await call(asterisk, *headers, answer=486)
        user = re.search(r"sip:([^@>]+)@", reached.header("from") or "")
        seen.append(user[1] if user else "")
    assert [shown for _, shown in rows] == seen

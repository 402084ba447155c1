"""The question of Asterisk's dialplan: where does this lead? It gets no answer for what is no number of anybody."""

from __future__ import annotations

import asyncio

import pytest

from proxy.numbers.numbering import Numbering
from simulator.softswitch.asterisk.resolver import AccountBook, Resolver
from simulator.softswitch.embedded.registrar import Account

ALICE = Account("+8613800138001", "alice", "s3cret")
BOOK = AccountBook([ALICE], lambda dialled: Numbering("CN").understand(dialled).e164, outside=("127.0.0.9", 5060))


@pytest.mark.parametrize("dialled", ["+8613800138001", "8613800138001", "alice", "013800138001", "+86-138-0013-8001"])
def test_an_account_is_found_however_it_is_dialled(dialled: str) -> None:
    assert BOOK.find(dialled) == {"BINDINGS": "alice"}


@pytest.mark.parametrize("dialled", ["+6591234567", "*#21#", "+8613800138009;phone-context=+86"])
def test_all_others_are_outside(dialled: str) -> None:
    assert BOOK.find(dialled) == {"OUTSIDE": f"sip:{dialled}@127.0.0.9:5060"}


@pytest.mark.parametrize(
    "odd", [",x", ",S(1)", "&PJSIP/x", "(", '"', "\\", " ", "\t", "\n", "\0", "\xa0", "@x", "/", "１"]
)
def test_what_no_number_has_leads_nowhere(odd: str) -> None:
    assert BOOK.find(ALICE.number + odd) == BOOK.find(odd + ALICE.number) == BOOK.find("") == {}


async def test_what_was_dialled_is_read_from_the_channel_and_stands_in_no_argument() -> None:
    async with Resolver(("127.0.0.1", 0), BOOK.find) as resolver:
        reader, writer = await asyncio.open_connection(*resolver.address)
        writer.write(b"agi_network: yes\nagi_arg_1: +8613800138009\n\n")
        assert await reader.readline() == b"GET VARIABLE DIALLED\n"
        writer.write(b"200 result=1 (alice)\n")
        assert await reader.readline() == b'SET VARIABLE BINDINGS "alice"\n'
        writer.write(b"200 result=1\n")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_where_nothing_was_dialled_nothing_is_set() -> None:
    async with Resolver(("127.0.0.1", 0), BOOK.find) as resolver:
        reader, writer = await asyncio.open_connection(*resolver.address)
        writer.write(b"agi_network: yes\n\n")
        assert await reader.readline() == b"GET VARIABLE DIALLED\n"
        writer.write(b"200 result=0\n")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

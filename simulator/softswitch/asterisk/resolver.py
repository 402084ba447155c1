"""Answers Asterisk's question where a dialled number or user leads, over FastAGI (a line protocol on TCP)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Self

from proxy.core.treatment import is_dialable
from simulator.addresses import Address
from simulator.softswitch.asterisk.files import binding_names
from simulator.softswitch.embedded.registrar import Account

# What was dialled -> variables that the dialplan reads.
Lookup = Callable[[str], dict[str, str]]


class AccountBook:
    """Knows where what was dialled leads: to an account, or, where there is an `outside`, out of the lab.

    `e164` understands a number that is dialled in another way than the accounts are written.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        e164: Callable[[str], str | None] | None = None,
        outside: Address | None = None,
    ) -> None:
        self._e164 = e164
        self._outside = outside
        self._by_name = {
            name: each for each in accounts for name in (each.number.removeprefix("+"), each.number, each.user)
        }

    def find(self, dialled: str) -> dict[str, str]:
        """The dialplan's question: whose bindings, or which URI outside?"""
        if not is_dialable(dialled):
            return {}
        account = self._by_name.get(dialled)
        if account is None and self._e164 is not None:
            account = self._by_name.get(self._e164(dialled) or "")
        if account is not None:
            return {"BINDINGS": "&".join(binding_names(account))}
        if self._outside is None:
            return {}
        host, port = self._outside
        return {"OUTSIDE": f"sip:{dialled}@{host}:{port}"}


class Resolver:
    """A FastAGI server; use it as an async context manager. Port 0 is any that is free."""

    def __init__(self, bind: Address, lookup: Lookup) -> None:
        self._lookup = lookup
        self.address = bind

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, *self.address)
        self.address = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question: `agi_*: value` lines up to an empty one; each of our commands is answered by a line."""

        async def ask(command: str) -> str:
            writer.write(f"{command}\n".encode())
            return (await reader.readline()).decode().rstrip("\r\n")

        with contextlib.suppress(OSError, ValueError, UnicodeDecodeError):
            while (await reader.readline()).rstrip(b"\r\n"):
                pass
            answer = await ask("GET VARIABLE DIALLED")  # 200 result=1 (what was dialled)
            for name, value in self._lookup(answer.partition("(")[2].removesuffix(")")).items():
                await ask(f"SET VARIABLE {name} {_quoted(value)}")
        writer.close()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Softswitches of a lab that stands: the embedded one, and what Asterisk needs of us (its settings and accounts as
files, and an answer to its dialplan).

All of it follows from the proxy's config, which the proxy of the lab reads as well.
"""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Callable
from pathlib import Path

from proxy.config.models import ProxyConfig, load_config
from proxy.files.yaml_file import FileError, FileErrors
from proxy.process.ports import in_use
from proxy.subscribers.storage import read_directory
from simulator.addresses import Address
from simulator.errors import LabError
from simulator.softswitch.asterisk.files import write_accounts, write_setting
from simulator.softswitch.asterisk.resolver import AccountBook, Resolver
from simulator.softswitch.embedded.registrar import Account
from simulator.softswitch.embedded.softswitch import EmbeddedSoftswitch
from simulator.wording import counted


async def serve_asterisk(path: Path, folder: Path, resolver: Address, say: Callable[[str], None]) -> None:
    """Write what Asterisk reads into `folder`, then answer it until SIGTERM. Raises FileErrors, OSError.

    `path` is the proxy's config.
    """
    stop = _told_to_stop()
    config, accounts = _read(path)
    switch = config.softswitch
    write_setting(folder, (switch.host, switch.port), config.authentication.realm, resolver)
    try:
        write_accounts(folder, accounts, config.authentication.realm)
    except ValueError as error:
        raise FileErrors([FileError.whole(path, str(error))]) from None
    book = AccountBook(accounts, _understanding(config))
    async with Resolver(resolver, book.find):
        say(f"{counted(len(accounts), 'account')} in {folder}; answering Asterisk on {resolver[0]}:{resolver[1]}")
        await stop.wait()


async def serve_embedded(path: Path, folder: Path, say: Callable[[str], None]) -> None:
    """Be the softswitch of a proxy's config until SIGTERM; recordings go to `folder`.

    Raises FileErrors, LabError where the address cannot be had.
    """
    stop = _told_to_stop()
    config, accounts = _read(path)
    bind = config.softswitch.host, config.softswitch.port
    asked = config.authentication
    try:
        switch = EmbeddedSoftswitch(
            bind,
            accounts,
            resolve=_understanding(config),
            realm=asked.realm,
            algorithms=asked.algorithms,
            folder=folder,
        )
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise LabError(in_use("udp", *bind) if taken else f"{config.softswitch}: {error.strerror}") from error
    async with switch:
        say(f"softswitch for {counted(len(accounts), 'account')} on udp:{bind[0]}:{bind[1]}; Ctrl-C ends it")
        await stop.wait()
    for problem in switch.problems:
        say(problem)


def _told_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _read(path: Path) -> tuple[ProxyConfig, list[Account]]:
    config = load_config(path)
    if config.softswitch.transport != "udp":
        raise FileErrors([FileError.whole(path, f"softswitch: {config.softswitch}; ours speak UDP, write udp:")])
    directory = read_directory(config.subscribers, config.numbering())
    return config, [Account(each.number, each.user or each.number, each.password or None) for each in directory]


def _understanding(config: ProxyConfig) -> Callable[[str], str | None]:
    """The digits that tell which number was dialled, however it is written."""
    numbering = config.numbering()
    return lambda dialled: numbering.understand(dialled).e164

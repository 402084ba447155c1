"""What Asterisk needs of a lab that stands: its settings and accounts as files, and an answer to its dialplan.

All of it follows from the proxy's config, which the proxy of the lab reads as well.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from proxy.config import load_config
from proxy.numbers import Numbering
from proxy.subscribers.storage import load_directory
from proxy.yaml_file import FileError, FileErrors
from simulator.softswitch.asterisk_files import Address, write_accounts, write_setting
from simulator.softswitch.asterisk_resolver import AccountBook, Resolver
from simulator.softswitch.registrar import Account


async def serve(path: Path, folder: Path, resolver: Address, say: Callable[[str], None]) -> None:
    """Write what Asterisk reads into `folder`, then answer it until SIGTERM. Raises FileErrors, OSError.

    `path` is the proxy's config.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    config = load_config(path)
    switch = config.softswitch
    if switch.transport != "udp":
        raise FileErrors([FileError.whole(path, f"softswitch: {switch}; Asterisk is set up for UDP, write udp:")])
    accounts = [
        Account(each.number, each.user or each.number, each.password or None) for each in load_directory(config)
    ]
    write_setting(folder, (switch.host, switch.port), config.authentication.realm, resolver)
    try:
        write_accounts(folder, accounts, config.authentication.realm)
    except ValueError as error:
        raise FileErrors([FileError.whole(path, str(error))]) from None
    numbering = Numbering(config.home)
    book = AccountBook(accounts, lambda dialled: numbering.understand(dialled).e164)
    async with Resolver(resolver, book.find):
        say(f"{len(accounts)} accounts in {folder}; answering Asterisk on {resolver[0]}:{resolver[1]}")
        await stop.wait()

"""`ringfence softswitch ...`: what a standing lab with Asterisk is made from (docker/compose.yaml)."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from simulator.report.terminal import say
from simulator.result import ExitCode
from simulator.softswitch import standing

_LOCALHOST = "127.0.0.1"
_FASTAGI = 4573  # the port that Asterisk itself takes where none is named


def add_to(commands: Any) -> None:
    """Put the command and what is below it on the command line."""
    group = commands.add_parser("softswitch", help="what a standing lab with Asterisk is made from")
    below = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    base = below.add_parser(
        "base",
        help="fetch or make the base image",
        description="Fetch the image that those of the lab are built on; where no image registry can be reached, make "
        "it from Debian's packages. Nothing where there is one.",
    )
    base.set_defaults(command=_base)
    accounts = below.add_parser(
        "accounts",
        help="write Asterisk's accounts and answer its dialplan until SIGTERM",
        description="Write what Asterisk reads (address, realm, accounts) from the proxy's config, then tell Asterisk "
        "where dialled numbers lead, until SIGTERM.",
    )
    accounts.add_argument("config", type=Path, metavar="CONFIG", help="the proxy's config")
    accounts.add_argument("folder", type=Path, metavar="FOLDER", help="Asterisk's /ringfence")
    accounts.add_argument("--port", type=int, default=_FASTAGI, help=f"TCP port on {_LOCALHOST} [{_FASTAGI}]")
    accounts.set_defaults(command=_accounts)


def _base(_arguments: argparse.Namespace) -> int:
    from simulator.softswitch import asterisk  # docker is slow to import, and only needed here

    asterisk.prepare_base(say)
    return ExitCode.AS_EXPECTED


def _accounts(arguments: argparse.Namespace) -> int:
    asyncio.run(standing.serve(arguments.config, arguments.folder, (_LOCALHOST, arguments.port), say))
    return ExitCode.AS_EXPECTED

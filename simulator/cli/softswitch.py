"""`ringfence softswitch ...`: the embedded one by itself, and what Asterisk is fed with (docker/compose.yaml)."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from simulator.judging.result import ExitCode
from simulator.report.terminal import say
from simulator.softswitch import serve as standing

_LOCALHOST = "127.0.0.1"
_FASTAGI = 4573  # the port that Asterisk itself takes where none is named


def add_to(commands: Any) -> None:
    """Put the command and what is below it on the command line."""
    group = commands.add_parser("softswitch", help="run a softswitch by itself")
    below = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    embedded = below.add_parser(
        "embedded",
        help="be the softswitch of a proxy's config until SIGTERM",
        description="Be the softswitch that a proxy's config names: its subscribers register and are called, and the "
        "services (announcements, voicemail, honeypot, challenge, warning) are there. Runs until Ctrl-C or SIGTERM.",
    )
    embedded.add_argument("config", type=Path, metavar="CONFIG", help="the proxy's config")
    embedded.add_argument(
        "--folder", type=Path, default=Path(), metavar="FOLDER", help="where recordings/ is made [where you are]"
    )
    embedded.set_defaults(command=_embedded)
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


def _embedded(arguments: argparse.Namespace) -> int:
    asyncio.run(standing.serve_embedded(arguments.config, arguments.folder, say))
    return ExitCode.AS_EXPECTED


def _base(_arguments: argparse.Namespace) -> int:
    from simulator.softswitch.asterisk import switch as asterisk  # docker is slow to import, and only needed here

    asterisk.prepare_base(say)
    return ExitCode.AS_EXPECTED


def _accounts(arguments: argparse.Namespace) -> int:
    asyncio.run(standing.serve_asterisk(arguments.config, arguments.folder, (_LOCALHOST, arguments.port), say))
    return ExitCode.AS_EXPECTED

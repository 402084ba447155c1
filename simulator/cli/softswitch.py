"""`ringfence softswitch ...`: the embedded one by itself, and what Asterisk is fed with (docker/compose.yaml)."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.grammar import FILE, Group

_LOCALHOST = "127.0.0.1"
_FASTAGI = 4573  # the port that Asterisk itself takes where none is named
_EMBEDDED = """\
Be the softswitch that a proxy's config names: its subscribers register and are called, and the services (announcements,
voicemail, honeypot, challenge, warning) are there. Runs until Ctrl-C or SIGTERM.
"""
_EMBEDDED_EXAMPLE = """\
example:
  ringfence softswitch embedded proxy.yaml
"""
_BASE = """\
Fetch the image that those of the lab are built on; where no image registry can be reached, make it from Debian's
packages. Nothing where there is one.
"""
_ACCOUNTS = """\
Write what Asterisk reads (address, realm, accounts) from the proxy's config into FOLDER, Asterisk's /ringfence, then
tell Asterisk where dialled numbers lead, until SIGTERM.
"""


@click.group("softswitch", Group, short_help="run a softswitch by itself")
def softswitch() -> None:
    """Run a softswitch by itself."""


@softswitch.command(
    "embedded",
    help=_EMBEDDED,
    epilog=_EMBEDDED_EXAMPLE,
    short_help="be the softswitch of a proxy's config until SIGTERM",
)
@click.argument("config", type=FILE)
@click.option("--folder", type=FILE, default=Path(), help="where recordings/ is made [where you are]")
def embedded(config: Path, folder: Path) -> int:
    """Serve until a signal comes."""
    import asyncio  # which not every command waits for

    from simulator.report.terminal import say
    from simulator.softswitch import serve

    asyncio.run(serve.serve_embedded(config, folder, say))
    return 0


@softswitch.command("base", help=_BASE, short_help="fetch or make the base image")
def base() -> int:
    """Fetch or make it."""
    from simulator.report.terminal import say
    from simulator.softswitch.asterisk import softswitch as asterisk

    asterisk.prepare_base(say)
    return 0


@softswitch.command("accounts", help=_ACCOUNTS, short_help="feed Asterisk with accounts and its dialplan until SIGTERM")
@click.argument("config", type=FILE)
@click.argument("folder", type=FILE)
@click.option("--port", type=int, default=_FASTAGI, help=f"TCP port on {_LOCALHOST} [{_FASTAGI}]")
def accounts(config: Path, folder: Path, port: int) -> int:
    """Write and serve until a signal comes."""
    import asyncio  # which not every command waits for

    from simulator.report.terminal import say
    from simulator.softswitch import serve

    asyncio.run(serve.serve_asterisk(config, folder, (_LOCALHOST, port), say))
    return 0

"""`ringfence subscribers ...`: what the operator does with stored subscribers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import click

from simulator.cli.grammar import FILE, Group

_IMPORT_EXAMPLE = """\
examples:
  ringfence subscribers import subscribers.yaml sqlite:///ringfence.db
  ringfence subscribers import --simservs +8613800138001 --config proxy.yaml alice.xml

After the first, write `subscribers: sqlite:///ringfence.db` into the proxy's config. Three slashes: relative; four:
absolute.
The second sets all that the services in the document (incoming and outgoing communication barring, the notice) stand
for: rules that it leaves out are off, and a service with active="false" is off. The numbers let through and blocked
belong to incoming barring. A service that is not in the document stays as it is. What a profile cannot hold is left
out, and said on stderr, where no active rule depends on it; else it is refused. A running proxy reads it on SIGHUP.
"""
_EXPORT_EXAMPLE = """\
example:
  ringfence subscribers export --simservs +8613800138001 --config proxy.yaml > alice.xml
"""
_UNLOCK_EXAMPLE = """\
example:
  ringfence subscribers unlock --config proxy.yaml +8613800138001

A running proxy reads it on SIGHUP.
"""


_IMPORT = """\
Put the subscribers of a YAML FILE into an SQLite database, which is made where it is missing (who is in it already, by
number, is replaced); or give one subscriber what a simservs document (3GPP TS 24.611) says.
"""


@click.group("subscribers", Group, short_help="put subscribers into a database, exchange and unlock them")
def subscribers() -> None:
    """Put subscribers into a database, exchange and unlock them."""


_SHORT = "YAML file -> SQLite database, or simservs XML -> one subscriber"


@subscribers.command("import", help=_IMPORT, epilog=_IMPORT_EXAMPLE, short_help=_SHORT)
@click.argument("file", type=FILE)
@click.argument("database", required=False, metavar="[sqlite:///FILE]")
@click.option("--simservs", metavar="NUMBER", help="the subscriber whose settings the file holds")
@click.option("--config", type=FILE, metavar="CONFIG", help="the proxy's config, with --simservs")
def taking(**options: Any) -> int:
    """Import them."""
    from simulator.cli import storing  # which imports what reads subscribers

    return storing.put(SimpleNamespace(**options))


@subscribers.command("export", epilog=_EXPORT_EXAMPLE, short_help="one subscriber -> simservs XML")
@click.option("--simservs", required=True, metavar="NUMBER", help="the subscriber")
@click.option("--config", type=FILE, required=True, metavar="CONFIG", help="the proxy's config")
def giving(**options: Any) -> int:
    """Print what a subscriber has chosen as a simservs document (3GPP TS 24.611)."""
    from simulator.cli import storing  # which imports what reads subscribers

    return storing.export(SimpleNamespace(**options))


@subscribers.command("unlock", epilog=_UNLOCK_EXAMPLE, short_help="let a subscriber use star codes again")
@click.option("--config", type=FILE, required=True, metavar="CONFIG", help="the proxy's config")
@click.argument("number")
def unlocking(**options: Any) -> int:
    """Forget the wrong PINs that locked a subscriber's star codes."""
    from simulator.cli import storing  # which imports what reads subscribers

    return storing.unlock(SimpleNamespace(**options))

"""`ringfence subscribers ...`: what the operator does with stored subscribers."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

from proxy.config.models import ProxyConfig, load_config
from proxy.files.yaml_file import FileError, FileErrors, load, read_bytes
from proxy.policy.profile import Subscriber
from proxy.process.loading import load_overlay
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import LAST_WRONG_PIN, WRONG_PINS, ChangedDirectory
from proxy.subscribers.simservs.document import document
from proxy.subscribers.simservs.reader import read
from proxy.subscribers.sqlite import save_subscribers
from proxy.subscribers.storage import SubscribersFile, read_directory
from simulator.cli.grammar import FILE, Group
from simulator.judging.result import ExitCode
from simulator.wording import counted

SQLITE = "sqlite:///"
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
    return _import(SimpleNamespace(**options))


@subscribers.command("export", epilog=_EXPORT_EXAMPLE, short_help="one subscriber -> simservs XML")
@click.option("--simservs", required=True, metavar="NUMBER", help="the subscriber")
@click.option("--config", type=FILE, required=True, metavar="CONFIG", help="the proxy's config")
def giving(**options: Any) -> int:
    """Print what a subscriber has chosen as a simservs document (3GPP TS 24.611)."""
    return _export(SimpleNamespace(**options))


@subscribers.command("unlock", epilog=_UNLOCK_EXAMPLE, short_help="let a subscriber use star codes again")
@click.option("--config", type=FILE, required=True, metavar="CONFIG", help="the proxy's config")
@click.argument("number")
def unlocking(**options: Any) -> int:
    """Forget the wrong PINs that locked a subscriber's star codes."""
    return _unlock(SimpleNamespace(**options))


def _import(arguments: SimpleNamespace) -> int:
    if arguments.simservs is not None:
        return _import_simservs(arguments)
    if arguments.database is None or not arguments.database.startswith(SQLITE):
        problem = "no database; write sqlite:///FILE"
        raise FileErrors([FileError.whole(Path(arguments.database or arguments.file), problem)])
    people = load(arguments.file, SubscribersFile).subscribers
    save_subscribers(Path(arguments.database.removeprefix(SQLITE)), people)
    print(f"{counted(len(people), 'subscriber')} put into {arguments.database}")
    return ExitCode.AS_EXPECTED


def _import_simservs(arguments: SimpleNamespace) -> int:
    if arguments.config is None or arguments.database is not None:
        print("ringfence subscribers import: --simservs NUMBER takes --config CONFIG and one XML file", file=sys.stderr)
        return ExitCode.USAGE
    config, subscriber = _chosen(arguments.config, arguments.simservs)
    settings = read(arguments.file, read_bytes(arguments.file), config.numbering(), subscriber.allow)
    changes = settings.changes(subscriber)
    with _store(config) as store:
        store.save(changes)
    for left_out in settings.left_out:
        print(left_out, file=sys.stderr)
    named = ", ".join(change.field for change in changes) or "nothing"
    print(f"{subscriber.number}: changed {named}; a running proxy reads it on SIGHUP")
    return ExitCode.AS_EXPECTED


def _export(arguments: SimpleNamespace) -> int:
    print(document(_chosen(arguments.config, arguments.simservs)[1]), end="")
    return ExitCode.AS_EXPECTED


def _unlock(arguments: SimpleNamespace) -> int:
    config, subscriber = _chosen(arguments.config, arguments.number)
    with _store(config) as store:
        store.forget(subscriber.number, (WRONG_PINS, LAST_WRONG_PIN))
    print(f"{subscriber.number}: star codes are unlocked; a running proxy reads it on SIGHUP")
    return ExitCode.AS_EXPECTED


def _chosen(path: Path, number: str) -> tuple[ProxyConfig, Subscriber]:
    """The config, and one of its subscribers as they are now, with what they changed themselves."""
    config = load_config(path)
    directory = read_directory(config.subscribers, config.numbering())
    subscriber = ChangedDirectory(directory, load_overlay(config)).find(number)
    if subscriber is None:
        raise FileErrors([FileError.whole(path, f"no subscriber with the number {number}")])
    return config, subscriber


@contextmanager
def _store(config: ProxyConfig) -> Iterator[ChangeStore]:
    """Open the store of changes; FileErrors tell what goes wrong there."""
    store = ChangeStore(config.subscribers or "")
    try:
        yield store
    except sqlite3.Error as error:
        raise FileErrors([FileError.whole(store.path, str(error))]) from None

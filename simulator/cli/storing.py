"""`ringfence subscribers`: put subscribers into a database, exchange their settings and unlock their star codes."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

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
from simulator.exit_code import ExitCode
from simulator.wording import counted

SQLITE = "sqlite:///"


def put(arguments: SimpleNamespace) -> int:
    """Put subscribers into a database, or give one what a simservs document says."""
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


def export(arguments: SimpleNamespace) -> int:
    """Print a subscriber's settings as a simservs document."""
    print(document(_chosen(arguments.config, arguments.simservs)[1]), end="")
    return ExitCode.AS_EXPECTED


def unlock(arguments: SimpleNamespace) -> int:
    """Forget the wrong PINs of a subscriber."""
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

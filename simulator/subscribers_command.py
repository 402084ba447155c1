"""`ringfence subscribers ...`: what is done with stored subscribers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from proxy.subscribers.storage import SubscribersFile, save_subscribers
from proxy.yaml_file import FileError, FileErrors, load
from simulator.result import ExitCode

SQLITE = "sqlite:///"
_IMPORT_EXAMPLE = """\
example:
  ringfence subscribers import subscribers.yaml sqlite:///ringfence.db

Then write `subscribers: sqlite:///ringfence.db` into the proxy's config. Three slashes: relative; four: absolute.
"""


def add_to(commands: Any) -> None:
    """Put the command and what is below it on the command line."""
    group = commands.add_parser("subscribers", help="put subscribers into a database")
    below = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    taking = below.add_parser(
        "import",
        help="YAML file -> SQLite database",
        description="Put the subscribers of a YAML file into an SQLite database, which is made where it is missing. "
        "Who is in it already, by number, is replaced.",
        epilog=_IMPORT_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    taking.add_argument("file", type=Path, metavar="YAML", help="what `subscribers:` of a proxy config may name")
    taking.add_argument("database", metavar="sqlite:///FILE", help="where they go")
    taking.set_defaults(command=_import)


def _import(arguments: argparse.Namespace) -> int:
    if not arguments.database.startswith(SQLITE):
        problem = "no database; write sqlite:///FILE"
        raise FileErrors([FileError.whole(Path(arguments.database), problem)])
    subscribers = load(arguments.file, SubscribersFile).subscribers
    save_subscribers(Path(arguments.database.removeprefix(SQLITE)), subscribers)
    print(f"{len(subscribers)} subscribers put into {arguments.database}")
    return ExitCode.AS_EXPECTED

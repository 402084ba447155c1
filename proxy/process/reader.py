"""A process that does one piece of reading for another one, and ends; it imports no more than that needs."""

from __future__ import annotations

import gc
import os
import pickle
import sys
import traceback
from collections.abc import Callable
from typing import Any

from proxy.files.shelf import Shelf
from proxy.files.yaml_file import FileErrors

COMMAND = "from proxy.process.reader import main; main()"
_POLITE = 10  # how much less of the processor it gets than the calls


def main() -> None:
    """Call a function, and write what it returned, or the error that it ended in, to standard output.

    The function and its arguments come from standard input, as a shelf packs them. The command's arguments are the
    file descriptors of their shelf and of that for the arrays of the answer, then 1 where calls go first.
    """
    given, made, calls_first = map(int, sys.argv[1:])
    if calls_first:
        os.nice(_POLITE)
    gc.disable()  # nothing here makes cycles, and all of it is soon over
    work, arguments = Shelf(given).unpack(sys.stdin.buffer.read())
    sys.stdout.buffer.write(_answer(Shelf(made), work, arguments))


def _answer(shelf: Shelf, work: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    try:
        return shelf.pack(work(*arguments, allocate=shelf.allocate))
    except (FileErrors, OSError) as error:
        return pickle.dumps(error)
    except Exception:
        return pickle.dumps(RuntimeError(traceback.format_exc()))

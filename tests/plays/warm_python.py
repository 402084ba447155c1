"""Python for a worker of pytest-xdist: the worker is forked off a process that is warm (see warm_workers.py).

`python -I -S` this file NAME ARGUMENT... hands its standard streams over to the process that listens at that name (an
abstract socket), waits for the worker's end and ends like it. Where nobody forks workers it is `python ARGUMENT...`.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

FORKED = b"!"


def main(name: str, arguments: list[str]) -> int:
    """Have a worker forked; returns its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker gets it as well, and it ends this
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        try:
            connection.connect(f"\0{name}")
            socket.send_fds(connection, [arguments[-1].encode()], [0, 1, 2])
            forked = connection.recv(1) == FORKED
        except OSError:
            forked = False
        if not forked:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606
        code = int(connection.recv(16) or 1)
    if code < 0:  # a signal's number
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

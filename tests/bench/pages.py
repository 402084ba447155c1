"""Thirty pages, in a process of their own: each reads the stage's events as fast as they come. `python -m
tests.bench.pages PORT COUNT` says on its last line how many events the pages got, once its standard input is closed.

The pages of an audience are read by its own devices: here they get what the processors have left."""

from __future__ import annotations

import os
import selectors
import socket
import sys

_ENDS_EVENT = b"\n\n"


def main(port: int, count: int) -> None:
    """Read until standard input is closed."""
    os.nice(19)
    selector = selectors.DefaultSelector()
    events = {}
    for number in range(count):
        page = socket.create_connection(("127.0.0.1", port))
        page.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        events[number] = 0
        selector.register(page, selectors.EVENT_READ, number)
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    print("open", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                print(min(events.values()), flush=True)
                return
            assert isinstance(key.fileobj, socket.socket)
            data = key.fileobj.recv(1 << 16)
            if not data:
                sys.exit(f"page {key.data} was let go")
            events[key.data] += data.count(_ENDS_EVENT)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

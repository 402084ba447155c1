"""Users of this machine who ask for processes: nobody else than oneself is given any (Linux)."""

from __future__ import annotations

import os
import socket
import struct


def accept_own(listener: socket.socket) -> socket.socket | None:
    """Accept a connection to an abstract Unix socket, which any user can connect to; None where it is another's."""
    connection, _ = listener.accept()
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if user == os.getuid():
        return connection
    connection.close()
    return None

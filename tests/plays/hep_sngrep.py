"""sngrep that listens for HEPv3: with its counter of dialogs, or with its list of calls on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from pathlib import Path

from simulator.loopback import free_port
from tests.plays.hep_collector import HOST, is_taken
from tests.plays.proxy_process import eventually

_CONTROL = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|.)")
_ROWS, _COLUMNS = 40, 200


class Sngrep:
    """`options` are as on its command line; `settings` as in its file of settings."""

    def __init__(self, folder: Path, *options: str, settings: str = "") -> None:
        self.port = free_port(HOST)
        self._text = b""
        (folder / "sngreprc").write_text(settings)
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            ["sngrep", "-F", "-f", str(folder / "sngreprc"), *options, "-L", f"udp:{HOST}:{self.port}"],
            stdin=its,
            stdout=its,
            stderr=its,
            env={**os.environ, "TERM": "xterm", "LC_ALL": "C", "LINES": str(_ROWS), "COLUMNS": str(_COLUMNS)},
        )
        os.close(its)
        self._terminal = ours
        eventually(self._listens)

    @property
    def address(self) -> str:
        """The address that it listens at, as configs write it."""
        return f"udp:{HOST}:{self.port}"

    def shows(self, *texts: str) -> bool:
        """True as soon as all these texts were on its screen; False where they are not within a minute."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([self._terminal], [], [], 0.1)[0]:
                self._text += os.read(self._terminal, 65536)
            if all(text in self.shown for text in texts):
                return True
        return False

    @property
    def shown(self) -> str:
        """All that was on its screen, without blanks at length and without what moves the cursor."""
        return " ".join(_CONTROL.sub(b" ", self._text).decode("latin-1").split())

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
        os.close(self._terminal)

    def _listens(self) -> bool:
        assert self._process.poll() is None
        return is_taken(self.port)

"""Kamailio as a collector of HEPv3 (its module sipcapture): hep.cfg, in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from simulator.loopback import free_port
from tests.plays import ROOT
from tests.plays.hep_collector import HOST, is_taken
from tests.plays.proxy_process import eventually

_CONFIG = ROOT / "tests" / "peers" / "hep.cfg"
_KAMAILIO = "/usr/sbin/kamailio"
_TABLE = "logs_capture"
_COLUMNS = (
    "date(int,null) micro_ts(double,null) correlation_id(string,null) source_ip(string,null) source_port(int,null) "
    "destination_ip(string,null) destination_port(int,null) proto(int,null) family(int,null) type(int,null) "
    "node(string,null) msg(string,null)\n"
)


class LogEntry(NamedTuple):
    """A row of the table of log entries, as far as it is looked at."""

    seconds: int
    correlation: str
    source: str
    node: str
    text: str


class KamailioCollector:
    """Listens on `port`; what it heard is in `heard`, log entries are there once it was closed."""

    def __init__(self, folder: Path) -> None:
        assert shutil.which(_KAMAILIO), "Kamailio is missing: `make test` installs it where it may (Debian: kamailio)"
        self.port = free_port(HOST)
        self._folder = folder / "collector"
        self._folder.mkdir()
        self._table = self._folder / _TABLE
        self._table.write_text(_COLUMNS)
        self._log = self._folder / "kamailio.log"
        with self._log.open("wb") as log:
            command = [_KAMAILIO, "-DD", "-E", "-m", "64", "-f", str(_CONFIG), "-Y", str(self._folder)]
            command += ["-P", f"{self._folder}/pid", "-A", f'DATABASE="text://{self._folder}"']
            self._process = subprocess.Popen(
                [*command, "-l", f"udp:{HOST}:{self.port}"],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually(self._listens)

    @property
    def heard(self) -> list[str]:
        """Of each SIP message: its method or status, Call-ID, transport and sender."""
        return [line.partition("heard ")[2] for line in self._text.splitlines() if "heard " in line]

    def close(self) -> list[LogEntry]:
        """End it, which writes its table out: the entries."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)
        return [_entry(line) for line in self._table.read_text().splitlines()[1:]]

    @property
    def _text(self) -> str:
        return self._log.read_text(errors="replace")

    def _listens(self) -> bool:
        assert self._process.poll() is None, self._text
        return is_taken(self.port)


def _entry(line: str) -> LogEntry:
    """Read a row: fields are parted by colons, and those within have a backslash before them."""
    fields = line.replace("\\\\", "\1").replace("\\:", "\0").split(":")
    clean = [field.replace("\0", ":").replace("\1", "\\") for field in fields]
    return LogEntry(int(clean[0]), clean[2], f"{clean[3]}:{clean[4]}", clean[10], clean[11])

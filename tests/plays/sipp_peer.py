"""SIPp as caller and as switch: scenarios from scenarios/*.xml, and what went over the wire afterwards."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from simulator.loopback import free_port
from tests.plays import ROOT
from tests.plays.proxy_process import SWITCH, eventually

SCENARIOS = ROOT / "tests" / "peers" / "scenarios"
_PATIENCE = 60  # seconds that one SIPp may take


@dataclass(frozen=True)
class Line:
    """One message as one SIPp saw it: `direction` is S (sent) or R (received), `at` in seconds since 1970."""

    at: float
    direction: str
    call_id: str
    cseq: str
    start: str


class Sipp:
    """One SIPp process. `port` is its own; `flags` are further ones of its command line."""

    def __init__(
        self,
        folder: Path,
        scenario: str,
        host: str,
        port: int,
        target: str | None,
        *,
        calls: int = 1,
        transport: str = "udp",
        caller: str = "+6591234567",
        callee: str = "+8613800138001",
        flags: Sequence[str] = (),
        **words: str,
    ) -> None:
        folder.mkdir()
        self.port = port
        self._folder = folder
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for word, value in {"CALLER": caller, "CALLEE": callee, **words}.items():
            text = text.replace(f"@{word}@", value)
        (folder / "scenario.xml").write_text(text)
        command = [
            "sipp", "-sf", "scenario.xml", "-i", host, "-p", str(port), "-m", str(calls), "-l", str(calls),
            "-r", "50", "-t", "u1" if transport == "udp" else "t1", "-nostdin", "-nd", "-trace_err",
            "-trace_shortmsg", "-trace_msg", "-timeout", str(_PATIENCE), "-timeout_error",
            *(["-max_reconnect", "0"] if transport == "tcp" else []), *flags,
        ]  # fmt: skip
        self._process = subprocess.Popen(
            [*command, target] if target else command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def finish(self) -> list[Line]:
        """Wait until its calls are done, all as the scenario says, and return what it saw."""
        code = self._process.wait(_PATIENCE + 10)
        assert code == 0, f"SIPp ended with {code}\n{self._text('errors.log')}\n{self._text('_messages.log')}"
        return self.seen()

    def seen(self) -> list[Line]:
        """The messages so far (SIPp writes them out with some delay while it runs)."""
        lines = csv.reader(self._text("shortmessages.log").splitlines(), delimiter="\t")
        return [Line(float(row[2]), *row[3:]) for row in lines if len(row) == 7]

    def messages(self) -> str:
        """The whole messages, with SIPp's comments between them."""
        return self._text("_messages.log")

    def heard(self, start: str) -> bool:
        """True if a message that starts so was received by now."""
        return any(line.direction == "R" and line.start.startswith(start) for line in self.seen())

    def stop(self) -> None:
        """End it, finished or not."""
        self._process.kill()
        self._process.wait()

    def _text(self, ending: str) -> str:
        found = [path.read_text(errors="replace") for path in sorted(self._folder.glob(f"*{ending}"))]
        return "".join(found)


class SippPeers:
    """Starts SIPp; ends what is still running on the way out."""

    def __init__(self, folder: Path) -> None:
        assert shutil.which("sipp"), "SIPp is missing: `make test` installs it where it may (Debian: sip-tester)"
        self._folder = folder
        self._started: list[Sipp] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sipp in self._started:
            sipp.stop()

    def switch(self, scenario: str, *, port: int | None = None, **options: object) -> Sipp:
        """SIPp in the softswitch's place, or in a phone's (`host`): it waits for what the scenario expects."""
        host = str(options.pop("host", SWITCH))
        sipp = self._start(scenario, host, port or free_port(host), None, options)
        eventually(lambda: _bound(host, sipp.port))
        return sipp

    def caller(self, scenario: str, host: str, target: str, *, port: int | None = None, **options: object) -> Sipp:
        """SIPp as the side that begins, from `host` to `target` (host:port)."""
        return self._start(scenario, host, port or free_port(host), target, options)

    def _start(self, scenario: str, host: str, port: int, target: str | None, options: dict[str, object]) -> Sipp:
        folder = self._folder / f"sipp{len(self._started)}"
        sipp = Sipp(folder, scenario, host, port, target, **options)  # type: ignore[arg-type]
        self._started.append(sipp)
        return sipp


def _bound(host: str, port: int) -> bool:
    """True if somebody listens there, by the kernel's own tables."""
    address = "".join(f"{int(part):02X}" for part in reversed(host.split("."))) + f":{port:04X}"
    tables = (Path("/proc/net/udp"), Path("/proc/net/tcp"))
    rows = (line.split() for table in tables for line in table.read_text().splitlines()[1:])
    # UDP unconnected, TCP in LISTEN: a connection of whoever had the port before may be there still, in TIME_WAIT.
    return any(row[1] == address and row[3] in ("07", "0A") for row in rows)


def sent(lines: list[Line], start: str) -> int:
    """Count the messages sent that start so."""
    return sum(line.direction == "S" and line.start.startswith(start) for line in lines)


def arrivals(lines: list[Line], start: str) -> int:
    """Count the arrivals of messages that start so, with every repetition."""
    return sum(line.direction == "R" and line.start.startswith(start) for line in lines)


def received(lines: list[Line], start: str) -> int:
    """Count the different messages received that start so: on a busy machine some come twice."""
    return len(
        {
            (line.call_id, line.cseq, line.start)
            for line in lines
            if line.direction == "R" and line.start.startswith(start)
        }
    )

"""Kamailio as the softswitch behind the proxy: kamailio.cfg, in a process of its own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.plays import ROOT
from tests.plays.proxy_process import SWITCH

CONFIG = ROOT / "tests" / "peers" / "kamailio.cfg"
_KAMAILIO = "/usr/sbin/kamailio"
_PATIENCE = 30.0  # seconds to start in


class KamailioSwitch:
    """A registrar and record-routing proxy on `port` of SWITCH.

    `proxy` and `behind` (host:port) are its neighbours, `double_rr` is what enable_double_rr is set to: 1 for two
    Record-Routes where the sockets to the two differ, 2 for always. `outer` is the transport and the port towards what
    lies behind it, None for the same socket.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        transport: str,
        proxy: str,
        behind: str,
        *,
        double_rr: int = 1,
        outer: tuple[str, int] | None = None,
        service_route: str = "",
    ) -> None:
        assert shutil.which(_KAMAILIO), "Kamailio is missing: `make test` installs it where it may (Debian: kamailio)"
        folder.mkdir()
        self._log = folder / "kamailio.log"
        inner = f"{transport}:{SWITCH}:{port}"
        behind_transport, outer_socket = (outer[0], f"{outer[0]}:{SWITCH}:{outer[1]}") if outer else (transport, inner)
        defines = {
            "ADDRESS": SWITCH,
            "INNER": f'"{inner}"',
            "OUTER": f'"{outer_socket}"',
            "PROXY": f'"sip:{proxy};transport={transport}"',
            "BEHIND": f'"sip:{behind};transport={behind_transport}"',
            "BEHIND_PORT": behind.rpartition(":")[2],
            "SERVICE_ROUTE": service_route or f"<sip:orig@{SWITCH}:{port};transport={transport};lr>",
            "DOUBLE": str(double_rr),
        }
        command = [_KAMAILIO, "-DD", "-E", "-m", "64", "-f", str(CONFIG), "-Y", str(folder), "-P", f"{folder}/pid"]
        for name, value in defines.items():
            command += ["-A", f"{name}={value}"]
        for listener in dict.fromkeys((inner, outer_socket)):
            command += ["-l", listener]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait(transport, port)

    @property
    def log(self) -> str:
        """The text on its stderr so far."""
        return self._log.read_text(errors="replace")

    def _wait(self, transport: str, port: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.settimeout(0.2)
                try:
                    probe.connect((SWITCH, port))
                    mine = "{}:{}".format(*probe.getsockname())
                    probe.send(_options(mine, transport).encode())
                    if probe.recv(65535).startswith(b"SIP/2.0 200"):
                        return
                except OSError:
                    time.sleep(0.05)
        raise AssertionError(f"Kamailio did not start within {_PATIENCE} s\n{self.log}")

    def stop(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _options(mine: str, transport: str) -> str:
    via = f"SIP/2.0/{transport.upper()} {mine};branch=z9hG4bK{time.monotonic_ns()}"
    return (
        f"OPTIONS sip:{SWITCH} SIP/2.0\r\nVia: {via}\r\n"
        f"From: <sip:probe@{mine}>;tag=1\r\nTo: <sip:{SWITCH}>\r\nCall-ID: {time.monotonic_ns()}@{mine}\r\n"
        "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )

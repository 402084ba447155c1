"""`ringfence proxy`, the proxy by itself."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from tests.plays import forked
from tests.plays.command_desk import written

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_a_taken_port_ends_the_proxy_with_3_and_says_who_holds_it(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        config = written(tmp_path / "proxy.yaml", f"listen: [udp:127.0.0.1:{port}]\nsoftswitch: udp:127.0.0.1:9\n")
        ended = forked.run([sys.executable, "-P", "-m", "simulator", "proxy", config])
    assert ended.returncode == 3
    assert f"127.0.0.1:{port} is in use" in ended.stderr

"""A whole proxy with lists that another process reads: a reload lets go of what it replaced."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.loopback import free_port
from tests.plays.proxy_process import SWITCH, ProxyProcess, eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tables are told by their names in /proc")
ENTRIES = 10_000  # of more than 2 MB, which another process reads
SOURCE = "s" * 200


def write(path: Path, category: str) -> None:
    rows = (f"+447700{index:06},{category},{SOURCE}\n" for index in range(ENTRIES))
    path.write_text("number,category,source\n" + "".join(rows))


def tables(proxy: ProxyProcess) -> int:
    """The number of tables in the proxy's memory."""
    return Path(f"/proc/{proxy.process.pid}/maps").read_text().count("/memfd:ringfence")


def test_tables_that_a_reload_replaced_are_let_go_of(
    running_proxy: Callable[..., ProxyProcess], tmp_path: Path
) -> None:
    write(tmp_path / "a.csv", "bank")
    proxy = running_proxy(free_port(SWITCH), scam_lists=[str(tmp_path / "a.csv")])
    assert proxy.wait_for("ready")["entries"] == ENTRIES
    before = tables(proxy)
    assert before > 0
    for _ in range(2):
        write(tmp_path / "a.csv", "parcel")
        proxy.reload()
        eventually(lambda: tables(proxy) == before)
    assert proxy.stop() == 0

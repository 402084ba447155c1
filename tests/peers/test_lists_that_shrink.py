"""A whole proxy whose lists are damaged between two SIGHUPs: it says how much it has, and keeps what it had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.loopback import free_port
from tests.plays.proxy_process import SWITCH, ProxyProcess

Start = Callable[..., ProxyProcess]
PEOPLE = "".join(f'- {{number: "+86138001380{index:02}"}}\n' for index in range(4))


def rows(count: int) -> str:
    return "number,category\n" + "".join(f"+4477009{index:05},bank\n" for index in range(count))


@pytest.mark.parametrize("left", [rows(0), rows(1), None])
def test_a_damaged_list_stays_in_force_and_the_log_counts(
    running_proxy: Start, tmp_path: Path, left: str | None
) -> None:
    (tmp_path / "a.csv").write_text(rows(100))
    (tmp_path / "b.csv").write_text(rows(10))
    (tmp_path / "people.yaml").write_text(f"subscribers:\n{PEOPLE}")
    config = {"scam_lists": [str(tmp_path / "*.csv")], "subscribers": str(tmp_path / "people.yaml")}
    proxy = running_proxy(free_port(SWITCH), **config)
    ready = proxy.wait_for("ready")
    assert (ready["subscribers"], ready["entries"]) == (4, 110)
    if left is None:
        (tmp_path / "a.csv").unlink()
    else:
        (tmp_path / "a.csv").write_text(left)
    (tmp_path / "b.csv").write_text(rows(8))
    proxy.reload()
    (kept,) = proxy.events("reload_kept")
    assert (kept["level"], kept["file"], kept["was"]) == ("error", str(tmp_path / "a.csv"), 100)
    reloaded = proxy.events("reloaded")[0]
    assert (reloaded["subscribers"], reloaded["entries"]) == (4, 108)
    assert (reloaded["fewer_subscribers"], reloaded["fewer_entries"]) == (0, 2)
    (tmp_path / "b.csv").write_text("number\n+86*\n")
    (tmp_path / "people.yaml").write_text("subscribers: []\n")
    proxy.process.send_signal(1)
    failed = proxy.wait_for("reload_failed")
    assert 'b.csv:2:1: found "+86*", expected a prefix that does not cover the home country CN' in failed["detail"]
    assert proxy.stop() == 0
    counters = proxy.wait_for("stopped")["counters"]
    assert (counters["reload_kept"], counters["reload_failed"]) == (1, 1)

"""Tests run in workers that are forked off one process, which has imported all of them, and are each their own."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="workers are started from nothing here")
def test_workers_are_forked_off_one_process(pytestconfig: pytest.Config) -> None:
    if not hasattr(pytestconfig, "workerinput"):
        pytest.skip("there are no workers")
    assert b"tests/plays/warm_workers.py" in Path("/proc/self/cmdline").read_bytes()
    assert os.getppid() != pytestconfig.workerinput["controller"]


def test_a_worker_knows_who_it_is(request: pytest.FixtureRequest, pytestconfig: pytest.Config, tmp_path: Path) -> None:
    if not hasattr(pytestconfig, "workerinput"):
        pytest.skip("there are no workers")
    own = pytestconfig.workerinput["workerid"]
    assert own == os.environ["PYTEST_XDIST_WORKER"] == request.getfixturevalue("worker_id")
    assert f"popen-{own}" in tmp_path.parts


@pytest.mark.timeout(100, method="signal")
def test_a_test_that_is_run_again_has_as_long_as_before(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    item: pytest.Item = request.node
    conftest: Any = pytestconfig.pluginmanager.get_plugin(str(Path(__file__).with_name("conftest.py")))
    item.ihook.pytest_timeout_cancel_timer(item=item)  # as where a test fails
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    monkeypatch.setattr(item, "execution_count", 2, raising=False)
    conftest.pytest_runtest_setup(item)
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100

"""`ringfence serve` as its users run it: it says where it is, lets in whom it should, and ends all that it began."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from proxy.process.ports import owner_of
from simulator.__main__ import main
from simulator.cli.standing import Arguments
from tests.plays import forked
from tests.plays.command_desk import children
from tests.plays.proxy_process import eventually

ROOT = Path(__file__).parents[3]
WITHIN = 60.0  # seconds


class Serving:
    """The command, and where it says that the stage is. It is forked off a process that has imported all, unless it is
    to be started `from_nothing`."""

    def __init__(self, folder: Path, *arguments: str, from_nothing: bool = False) -> None:
        self._command = [sys.executable, "-P", "-m", "simulator", "serve", "--sip-port", "0", *arguments]
        self.folder = folder
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        start = partial(subprocess.Popen, text=True, start_new_session=True) if from_nothing else forked.start
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp")}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process: forked.Started = start(self._command, cwd=folder, env=environment, **pipes)
        self._began: set[str] = set()
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        found = re.search(r"http://([^/]+):(\d+)/(?:\?token=(\S+))?", self.said)
        self.port = int(found[2]) if found else 0
        self.token = (found[3] or "") if found else ""

    def ask(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """The answer to a GET."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN)) as connection:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def state(self) -> Any:
        """The state of the stage, asked for with its token."""
        status, body = self.ask("/api/state", {"Authorization": f"Bearer {self.token}"})
        assert status == 200, body
        return json.loads(body)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Its exit code once it has ended."""
        self.process.send_signal(number)
        return self.process.wait(WITHIN)

    def left(self) -> list[str]:
        """The processes that it began and that run still, and its files."""
        self._began |= {str(self.process.pid), *below(self.process.pid)}
        for each in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if f"TMPDIR={self.folder / 'tmp'}".encode() in each.read_bytes():
                    self._began.add(each.parent.name)
        of_it = [pid for pid in self._began if command_line(pid)]
        return [*of_it, *(each.name for each in (self.folder / "tmp").glob("ringfence-*"))]


def below(pid: int | str) -> list[str]:
    """The processes that one has begun, and those that they have."""
    try:
        begun = children(pid)
    except OSError:  # it has ended
        return []
    return [*begun, *(each for child in begun for each in below(child))]


def command_line(pid: str) -> bytes:
    """Empty of one that has ended, and is perhaps not buried yet."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def ended(begun: Serving) -> None:
    """Have it end, whatever becomes of it."""
    if begun.process.poll() is None:
        begun.process.kill()
    begun.process.communicate()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Serving]]:
    """Two that stand side by side."""
    both = [Serving(tmp_path / name, from_nothing=name == "one") for name in ("one", "other")]
    yield both
    for each in both:
        ended(each)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Serving]:
    """One that a test may spoil: run anew, it has another."""
    stage = Serving(tmp_path)
    yield stage
    ended(stage)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One with a scenario of its own, that is shared."""
    scenario = str(ROOT / "scenarios" / "spoofed-home-number.yaml")
    stage = Serving(tmp_path_factory.mktemp("shared"), "--share", "--host", "127.0.0.1", "--port", "0", scenario)
    yield stage
    ended(stage)


def test_two_stand_side_by_side_say_where_they_are_and_end_with_all_that_they_began(two: list[Serving]) -> None:
    assert two[0].port != two[1].port
    assert two[0].process.stderr is not None
    softphones = re.search(r"at 127\.0\.0\.1:(\d+)", two[0].process.stderr.readline())
    assert softphones is not None
    # Not its proxy, a process of its own: the stage would stand there without.
    assert (owner_of("udp", int(softphones[1])) or "").startswith(f"pid {two[0].process.pid} (")
    for stage, number in zip(two, (signal.SIGINT, signal.SIGTERM), strict=True):
        assert stage.said.startswith("the stage is at http://127.0.0.1:")
        assert json.loads(stage.ask("/api/state")[1])["scenario"] == "stage"
        with closing(http.client.HTTPConnection("127.0.0.1", stage.port, timeout=WITHIN)) as watching:
            watching.request("GET", "/api/events")
            answer = watching.getresponse()
            assert answer.readline()
            assert len(stage.left()) > 1

            assert stage.end(number) == 0

            answer.read()  # the page hears that it is over
        eventually(lambda stage=stage: not stage.left())  # type: ignore[misc]


@pytest.mark.usefixtures("runs_beside_others")
def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "--sip-port", "0", "--port", str(port)]) == 3
    assert f"cannot listen on 127.0.0.1 port {port}" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
@pytest.mark.usefixtures("runs_beside_others")
def test_others_are_let_in_only_where_that_is_said(capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert main(["serve", "--sip-port", "0", "--host", host]) == 2
    assert "--share" in capsys.readouterr().err


def test_a_shared_one_has_a_token_in_its_address(shared: Serving) -> None:
    assert len(shared.token) >= 20
    assert shared.ask("/api/state")[0] == 401
    assert shared.state()["lab"]["proxy"] == "up"


@pytest.mark.parametrize(
    ("asked", "share", "host"),
    [
        (None, False, "127.0.0.1"),
        (None, True, "0.0.0.0"),
        ("127.0.0.1", True, "127.0.0.1"),
        ("192.0.2.1", True, "192.0.2.1"),
    ],
)
def test_it_listens_to_other_machines_only_where_it_is_shared(asked: str | None, share: bool, host: str) -> None:
    assert Arguments(None, "embedded", asked, None, share, opens=False).host == host


def test_a_scenario_gives_the_lab_its_people_and_its_home(shared: Serving) -> None:
    state = shared.state()
    assert (state["home"], [each["name"] for each in state["subscribers"]]) == ("GB", ["olivia", "george"])


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("scenarios", 2, "expected one: name its file"),
        ("docker/standing-lab/proxy.yaml", 2, "this is"),
        ("nothing.yaml", 2, "nothing.yaml"),
    ],
)
@pytest.mark.usefixtures("runs_beside_others")
def test_what_is_no_scenario_is_named(capsys: pytest.CaptureFixture[str], name: str, code: int, said: str) -> None:
    assert main(["serve", "--sip-port", "0", str(ROOT / name)]) == code
    assert said in capsys.readouterr().err


def test_a_proxy_that_ends_is_told(own: Serving) -> None:
    proxies = below(own.process.pid)
    assert proxies

    for pid in proxies:
        os.kill(int(pid), signal.SIGKILL)

    eventually(lambda: own.state()["lab"]["proxy"] == "down")
    assert own.end() == 0
    assert "The proxy has ended: no call gets through any more" in own.process.communicate()[1]

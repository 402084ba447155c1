"""A softphone of one's own on the stage: SIPp registers as bob, has the place of the lab's phone, and gives it back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.loopback import free_port
from tests.plays import ROOT
from tests.plays.proxy_process import eventually
from tests.plays.stage import StagePlay, standing_stage

pytestmark = pytest.mark.peers

REGISTER = ROOT / "docker" / "standing-lab" / "register.xml"
CALL = {"from": "+8613900139001", "trunk": "domestic", "to": "bob"}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[StagePlay]:
    with standing_stage(tmp_path) as play:
        yield play


class Softphone:
    """SIPp on this machine, as a user would start it."""

    def __init__(self, stage: StagePlay, folder: Path) -> None:
        host, port = stage.stage.standing.lab.next_hop
        self._server = f"{host}:{port}"
        self._folder = folder
        self._port = free_port()

    def _sipp(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = ["sipp", *arguments, "-i", "127.0.0.1", "-p", str(self._port), "-m", "1", "-nostdin", self._server]
        return subprocess.Popen(
            [*command, "-timeout", "40"], cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def registers(self, user: str, password: str, scenario: Path = REGISTER) -> int:
        """Its exit code."""
        return self._sipp("-sf", str(scenario), "-s", user, "-ap", password).wait(60)

    def answers(self) -> subprocess.Popen[bytes]:
        """A call to come is answered."""
        return self._sipp("-sn", "uas")

    def calls(self, number: str) -> int:
        return self._sipp("-sn", "uac", "-s", number, "-d", "200").wait(60)


def aside(stage: StagePlay, name: str = "bob") -> bool:
    found: bool = stage.get(f"/api/phones/{name}")["aside"]
    return found


def test_a_softphone_registers_takes_the_calls_and_gives_them_back(stage: StagePlay, tmp_path: Path) -> None:
    softphone = Softphone(stage, tmp_path)
    assert softphone.registers("bob", "s3cret-too") == 0
    eventually(lambda: aside(stage))
    taking = softphone.answers()
    call = stage.post("/api/call", **CALL, talk="0.3s")["id"]
    assert stage.ended(call)["outcome"] == "passed"
    assert taking.wait(60) == 0
    assert stage.get("/api/phones/bob")["recent"] == []
    assert [each["state"] for each in stage.get(f"/api/calls/{call}")["events"] if each["event"] == "phone"] == [
        "ringing",
        "talking",
        "idle",
    ]
    (tmp_path / "leave.xml").write_text(REGISTER.read_text().replace("Expires: 3600", "Expires: 0"))
    assert softphone.registers("bob", "s3cret-too", tmp_path / "leave.xml") == 0
    eventually(lambda: not aside(stage))
    again = stage.post("/api/call", **CALL, ring="0.1s")["id"]
    assert stage.ended(again)["outcome"] == "passed"
    assert len(stage.get("/api/phones/bob")["recent"]) == 1


def test_a_wrong_password_registers_nobody(stage: StagePlay, tmp_path: Path) -> None:
    assert Softphone(stage, tmp_path).registers("bob", "guessed") != 0
    assert not aside(stage)

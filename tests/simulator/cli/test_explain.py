"""`ringfence explain`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.__main__ import main
from tests.plays.command_desk import written

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_explain_is_part_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(
        tmp_path / "proxy.yaml",
        "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n"
        "trunks: {abroad: {match: [127.0.1.1], kind: international}}\n",
    )
    request = written(
        tmp_path / "invite.sip",
        "INVITE sip:+8613800138001@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
        "From: <sip:+6591234567@x>;tag=1\r\nTo: <sip:+8613800138001@x>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
    )
    assert main(["explain", "--config", config, "--trunk", "abroad", request]) == 0
    assert json.loads(capsys.readouterr().out)["caller"]["region"] == "SG"

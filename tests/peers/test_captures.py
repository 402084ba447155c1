"""Captures of runs, read by tshark and sngrep."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from simulator.cli.commands import main
from simulator.results.messages import MESSAGES, read_messages

pytestmark = pytest.mark.peers

SCENARIO = """\
scenario: captured
home: CN
preset: cn
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}, allow: ["+6591234567"]}
calls:
  - {call: daughter, trunk: international, from: "+6591234567", to: alice, truth: legit}
  - {call: scam, trunk: international, from: "+23224141026", to: alice, truth: scam, expect: {status: 608}}
"""


def tshark(path: Path, *fields: str) -> list[list[str]]:
    """The values of fields of each packet, all checksums checked; a field that is not there is empty."""
    checked = [f"-o{name}.check_checksum:TRUE" for name in ("ip", "udp", "tcp")]
    asked = [part for field in fields for part in ("-e", field)]
    command = ["tshark", "-r", str(path), *checked, "-T", "fields", "-E", "separator=|", *asked]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split("|") for line in lines]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run whose second call went wrong, with a capture of its failed calls."""
    monkeypatch.chdir(tmp_path)
    Path("captured.yaml").write_text(SCENARIO)
    assert main(["run", "captured.yaml", "--messages", "all", "--pcap", "failed"]) == 1
    return tmp_path / "runs" / "latest"


def test_tshark_reads_the_failed_calls_of_a_run_and_every_checksum_fits(run: Path) -> None:
    found = tshark(run / "messages.pcap", "sip.Call-ID", "ip.checksum.status", "udp.checksum.status", "_ws.expert")
    assert [row[0] for row in found] == ["scam"] * 3
    assert {tuple(row[1:3]) for row in found} == {("1", "1")}


def test_a_call_is_written_afterwards_with_both_legs_at_the_times_of_its_messages(run: Path, tmp_path: Path) -> None:
    assert main(["report", "runs/latest", "--call", "daughter", "--pcap", "daughter.pcap"]) == 0
    found = tshark(tmp_path / "daughter.pcap", "frame.time_epoch", "sip.Call-ID")
    recorded = list(read_messages(run / MESSAGES))
    ids = {row[1] for row in found}
    assert len(ids) == 2
    times = [each.time.microsecond for each in recorded if each.call_id in ids and each.proxied]
    assert [int(row[0].partition(".")[2][:6]) for row in found] == times


def test_sngrep_finds_every_dialog_of_a_run(run: Path, tmp_path: Path) -> None:
    assert main(["report", "runs/latest", "--pcap", "all.pcap"]) == 0
    told = subprocess.run(["sngrep", "-N", "-I", "all.pcap"], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    ids = {message.call_id for message in read_messages(run / MESSAGES)}
    assert f"Dialog count: {len(ids)}" in told.stdout


SPOKEN = """\
scenario: spoken
home: CN
preset: default
subscribers:
  alice: {number: "+8613800138001"}
  carol:
    number: "+8613800138003"
    barring: {incoming_international: on}
    treatment: {barring.incoming_international: {divert: voicemail}}
calls:
  - {call: friend, trunk: domestic, from: "+8613912345678", to: alice, agent: pjsua, truth: legit, talk: 0.5s}
  - {call: mailbox, trunk: international, from: "+12025550141", to: carol, agent: pjsua, truth: legit, talk: 0.5s}
"""


def streams(path: Path) -> set[tuple[str, str]]:
    """The streams that tshark finds, by addresses, sender first: those that are no RTP by their SDP are none."""
    found = tshark(path, "rtp.ssrc", "udp.srcport", "udp.dstport", "rtp.setup-method", "udp.checksum.status")
    packets = [row for row in found if row[0]]
    assert {row[3:] == ["SDP", "1"] for row in packets} == {True}
    return {(row[1], row[2]) for row in packets}


@pytest.mark.phones
def test_tshark_finds_the_sound_of_calls_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spoken.yaml").write_text(SPOKEN)
    main(["run", "spoken.yaml", "--pcap", "all"])
    privileged = "takes CAP_NET_RAW" not in capsys.readouterr().out
    whole = streams(tmp_path / "runs" / "latest" / "messages.pcap")
    assert {(receiver, sender) for sender, receiver in whole} == whole
    assert len(whole) == (4 if privileged else 2)
    assert main(["report", "runs/latest", "--call", "mailbox", "--pcap", "mailbox.pcap"]) == 0
    of_mailbox = streams(tmp_path / "mailbox.pcap")
    assert len(of_mailbox) == 2
    assert of_mailbox < whole or not privileged

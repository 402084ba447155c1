"""`ringfence report`: a call of a run, shown again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from simulator.__main__ import main
from simulator.results.messages import MESSAGES, read_messages
from simulator.results.run_reader import find_call, messages_of_call
from tests.plays.command_desk import SCENARIO, written
from tests.plays.hep_collector import collecting

pytestmark = pytest.mark.usefixtures("runs_beside_others")


def test_a_call_of_a_run_is_shown_with_what_every_rule_said(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "daughter"]) == 0
    capsys.readouterr()
    assert main(["report", "runs/latest", "--call", "daughter"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("daughter, INVITE on trunk international from +6591234567 to +86138")
    assert "  became    passed" in told
    assert not any("messages.bin" in line for line in told)
    assert any(line.strip().startswith("never_block (enforce) no_match: ") for line in told)
    assert main(["report", "runs/latest", "--call", "dauhter"]) == 2
    assert 'calls.jsonl: found no call "dauhter", expected "daughter"' in capsys.readouterr().err
    assert main(["report", "runs", "--call", "daughter"]) == 2
    assert "this is no folder of a run" in capsys.readouterr().err


def test_a_run_is_reported_as_a_page_at_once_and_afterwards(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml"), "--html", "report.html"]) == 0
    assert "Every call was judged as expected." in (desk / "report.html").read_text()
    capsys.readouterr()
    assert main(["report", "runs/latest"]) == 0
    assert capsys.readouterr().out == "runs/latest/report.html\n"
    assert (desk / "runs" / "latest" / "report.html").read_text() == (desk / "report.html").read_text()
    assert main(["report", "runs/latest", "--html", "other.html", "--call", "daughter"]) == 0
    assert 'id="panel-' in (desk / "other.html").read_text()
    assert main(["report", "runs/latest", "--html", "other.html", "--call", "dauhter"]) == 2
    assert 'found no call "dauhter"' in capsys.readouterr().err
    assert main(["report", "runs", "--html", "other.html"]) == 2
    assert "this is no folder of a run" in capsys.readouterr().err


def test_a_number_in_a_run_that_nothing_can_have_measured_is_told_with_its_place(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "daughter"]) == 0
    calls, manifest = (Path("runs/latest") / name for name in ("calls.jsonl", "manifest.json"))
    line, text = calls.read_text(), manifest.read_text()
    column = line.index('"sent": ') + len('"sent": ') + 1
    for number, told in (
        ("1e308", "found 1e308, expected a number from 0 to 9,007,199,254,740,992"),
        ("1e400", "found 1e400, expected a number from 0 to 9,007,199,254,740,992"),
        ("-1", "found -1, expected a number from 0 to 9,007,199,254,740,992"),
        ("9" * 5000, f"found {'9' * 40}, expected a number from 0 to 9,007,199,254,740,992"),
        ("NaN", "found NaN, expected a number"),
        ("Infinity", "found Infinity, expected a number"),
    ):
        calls.write_text(re.sub(r'"sent": [0-9.]+', f'"sent": {number}', line))
        for command in ([], ["--call", "daughter"], ["--parquet", "x.parquet"]):
            capsys.readouterr()
            assert main(["report", "runs/latest", *command]) == 2
            assert capsys.readouterr().err == f"runs/latest/calls.jsonl:1:{column}: {told}\n"
    calls.write_text(re.sub(r'"sent": [0-9.]+', '"sent": 1e15', line))
    assert main(["report", "runs/latest", "--parquet", "x.parquet"]) == 2
    assert (
        f"calls.jsonl:1:{column}: found caller_saw.sent: 1000000000000000.0, expected less" in capsys.readouterr().err
    )
    calls.write_text(line)
    place = text[: text.index('"seed": ')].count("\n") + 1
    for number, told in (
        ("NaN", "found NaN, expected"),
        ("1e400", "found 1e400, expected"),
        ('"x"', "found seed: 'x'"),
    ):
        manifest.write_text(re.sub(r'"seed": [0-9]+', f'"seed": {number}', text))
        for read in ("report", "run"):
            capsys.readouterr()
            assert main([read, "runs/latest"]) == 2
            assert f"manifest.json:{place}:11: {told}" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_told_before_the_calls(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml"), "--html", "nowhere/report.html"]) == 2
    assert "there is no folder nowhere" in capsys.readouterr().err
    assert not (desk / "runs").exists()


def test_messages_of_a_call_and_its_record_go_to_a_collector_with_their_times_and_one_id(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "daughter", "--messages", "all"]) == 0
    call = find_call(desk / "runs" / "latest", "daughter")
    sent = messages_of_call(desk / "runs" / "latest", call)
    with collecting() as collector:
        address = f"udp:{collector.address[0]}:{collector.address[1]}"
        command = ["report", "runs/latest", "--hep", address, "--call", "daughter", "--hep-key", "s3cret"]
        capsys.readouterr()
        assert main(command) == 0
        assert capsys.readouterr().out == f"{address}: {len(sent)} messages and 2 records sent\n"
        packets = collector.packets(len(sent) + 2)
        assert collector.has_no_more()
    assert [(packet.raw("payload"), packet.ends) for packet in packets[:-2]] == [
        (message.data, (message.sender, message.receiver)) for message in sent
    ]
    assert [packet.time for packet in packets[:-2]] == [message.time.timestamp() for message in sent]
    assert {packet.text("correlation") for packet in packets} == {call.call_id}
    assert {packet.text("key") for packet in packets} == {"s3cret"}
    assert [json.loads(packet.raw("payload"))["event"] for packet in packets[-2:]] == ["call", "ended"]
    assert len({message.call_id for message in sent}) == 2


def test_of_a_whole_run_every_leg_has_the_id_of_its_call(desk: Path) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "daughter", "--messages", "all"]) == 0
    run = desk / "runs" / "latest"
    sent = [message for message in read_messages(run / MESSAGES) if message.proxied]
    with collecting() as collector:
        address = f"udp:{collector.address[0]}:{collector.address[1]}"
        assert main(["report", "runs/latest", "--hep", address]) == 0
        packets = collector.packets(len(sent) + 2)
        assert collector.has_no_more()
    invites = {packet.text("correlation") for packet in packets if packet.raw("payload").startswith(b"INVITE ")}
    assert invites == {find_call(run, "daughter").call_id}
    assert {message.call_id for message in sent if message.data.startswith(b"INVITE ")} > invites


def test_a_collector_that_is_not_there_or_has_no_udp_address_is_an_error(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", written(desk / "small.yaml"), "-k", "daughter", "--messages", "all"]) == 0
    with collecting() as collector:
        address = f"udp:{collector.address[0]}:{collector.address[1]}"
    capsys.readouterr()
    assert main(["report", "runs/latest", "--hep", address]) == 3
    assert capsys.readouterr().err == f"ringfence: {address}: nothing listens there for HEP\n"
    with pytest.raises(SystemExit) as ended:
        main(["report", "runs/latest", "--hep", "tcp:127.0.0.1:9060"])
    assert ended.value.code == 2
    assert 'found "tcp:127.0.0.1:9060", expected udp, an IP address and a port' in capsys.readouterr().err
    assert main(["report", "runs", "--hep", address]) == 2
    assert "this is no folder of a run" in capsys.readouterr().err


def test_of_a_suite_each_call_is_found_in_the_folder_of_its_scenario(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [
        written(desk / "first.yaml", SCENARIO.replace("scenario: small", "scenario: first")),
        written(
            desk / "second.yaml",
            SCENARIO.replace("scenario: small", "scenario: second").replace("call: daughter", "call: son"),
        ),
    ]
    assert main(["run", *files, "--messages", "all"]) == 0
    capsys.readouterr()
    assert main(["report", "runs/latest", "--call", "son", "--call", "daughter"]) == 0
    shown = capsys.readouterr().out
    assert "son, INVITE on trunk international from +6591234567" in shown
    assert "ringfence ladder runs/2" in shown
    assert main(["ladder", "runs/latest", "son"]) == 0
    assert "label by subscriber.allow" in capsys.readouterr().out
    assert main(["report", "runs/latest", "--call", "emergency"]) == 2
    assert 'found 2 calls "emergency", expected the folder of one: runs/2' in capsys.readouterr().err
    assert main(["report", "runs/latest", "--call", "sun"]) == 2
    assert 'runs/latest: found no call "sun", expected "son"' in capsys.readouterr().err
    assert main(["report", "runs/latest", "--parquet", "calls.parquet", "--pcap", "all.pcap"]) == 0
    told = capsys.readouterr().out
    assert "calls.parquet: 24 calls" in told
    assert main(["messages", "runs/latest"]) == 0
    recorded = capsys.readouterr().out.splitlines()
    manifest = Path("runs/latest/manifest.json")
    text = manifest.read_text()
    manifest.write_text(text.replace('"folder"', '"file"'))
    line = 1 + text[: text.index("{", text.index('"scenarios"'))].count("\n")  # behind the words of the command
    for command in (["report"], ["report", "--call", "son"], ["report", "--parquet", "x"], ["messages"]):
        assert main([command[0], "runs/latest", *command[1:]]) == 2
        assert f"manifest.json:{line}:5: found no scenarios.0.folder, expected one" in capsys.readouterr().err
    manifest.write_text(text)
    assert f"all.pcap: {len(recorded)} packets" in told
    assert main(["report", "runs/latest", "--call", "son", "--pcap", "son.pcap"]) == 0
    assert 0 < int(capsys.readouterr().out.split()[1]) < len(recorded) / 2


def test_a_line_that_somebody_changed_is_told_with_its_place(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", written(desk / "small.yaml")]) == 0
    run = Path("runs/latest")
    capsys.readouterr()
    for name, old, new, told in (
        ("calls.jsonl", '"caller_saw"', '"saw"', "calls.jsonl:1:1: found no caller_saw, expected one"),
        ("calls.jsonl", '"sent": ', '"sent": "x', "calls.jsonl:1:"),
        ("events.jsonl", '"timestamp"', '"time"', "events.jsonl:1:1: found no "),
        ("metrics.json", '"scam_recall.lower95"', '"x"', "metrics.json: found no scam_recall.lower95, expected one"),
    ):
        text = (run / name).read_text()
        (run / name).write_text(text.replace(old, new))
        assert main(["report", "runs/latest", "--html", "r.html"]) == 2
        assert told in capsys.readouterr().err
        (run / name).write_text(text)

"""`--pseudonymise` of runs and loads: no number and no user name is left, in any spelling, in any file."""

from __future__ import annotations

import base64
import errno
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import parquet

from simulator.__main__ import main
from tests.plays.command_desk import lines, written

pytestmark = pytest.mark.usefixtures("runs_beside_others")

KEY = "a key of 24 characters.."
TOLD = """\
scenario: evening-of-zhang-wei
home: CN
preset: cn
seed: 7
trunks: {phones: {auth: digest}}
subscribers:
  zhang-wei:
    number: "+8613800138001"
    user: zhangwei88
    password: hunter-seven
    pin: "2580"
    barring: {incoming_international: on}
    allow: ["+6591234567"]
  lanlan: {number: "+8613800138002", user: "lan_lan", password: "x"}
scam_lists: [lists/shop.csv]
calls:
  - campaign: cold-calls-for-lanlan
    trunk: international
    from: {prefix: "+23224", pool: 5}
    to: [lanlan, zhang-wei]
    count: 4
    rate: 100/s
    truth: scam
  - call: daughter
    trunk: international
    from: "+6591234567"
    to: zhang-wei
    truth: legit
    display_name: "138 0013 8001"
    headers: ["Identity: IDENTITY.c2ln;info=<https://127.0.0.1/c>", "Subject: call 02079460123 or +44 20 7946 0999"]
    expect: {action: reject}
  - call: between-them
    trunk: phones
    from: lanlan
    to: "013800138001"
    truth: legit
    talk: 0.2s
"""
PASSPORT = base64.urlsafe_b64encode(b'{"alg":"ES256","orig":{"tn":"6591234567"},"dest":{"tn":"8613800138001"}}').rstrip(
    b"="
)
SECRET = ("zhang-wei", "zhangwei88", "lanlan", "lan_lan", "hunter-seven", "2079460123", "2079460999", "442079460999")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a scenario that names numbers in many ways."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lists").mkdir()
    rows = "+6581234567,scam,1,shop,\n+232249*,scam,1,shop,\n"
    (tmp_path / "lists" / "shop.csv").write_text("number,category,confidence,source,expires\n" + rows)
    written(tmp_path / "evening.yaml", TOLD.replace("IDENTITY", PASSPORT.decode()))
    return tmp_path


def every_byte(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files below a folder, with their names, and what base64 in them says."""
    for path in folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        yield str(path), str(path.relative_to(folder.parent)).encode() + b"\n" + data
        if path.suffix == ".parquet":  # which is compressed
            yield str(path), str(parquet.read_table(path).to_pylist()).encode()
        for token in data.replace(b".", b" ").split():
            bare = token.strip(b'",<>;')
            if len(bare) >= 16 and bare.isascii():
                try:
                    yield str(path), base64.urlsafe_b64decode(bare + b"=" * (-len(bare) % 4))
                except ValueError:
                    continue


def found(folder: Path, secrets: set[str]) -> list[str]:
    """The secrets that are in a folder, and where, with separators taken out too."""
    told = []
    for path, data in every_byte(folder):
        bare = bytes(each for each in data if each not in b" -().")
        told += [f"{secret} in {path}" for secret in secrets if secret.encode() in data or secret.encode() in bare]
    return told


def numbers_played(folder: Path) -> set[str]:
    """Every number of a run without its country code, which all spellings have in common."""
    calls = lines(folder / "calls.jsonl")
    said = {call[side] for call in calls for side in ("caller", "callee")} | {"+6581234567", "+8613800138002"}
    return {each.removeprefix("+86").removeprefix("+65").removeprefix("+232").lstrip("0+") for each in said}


def test_no_number_and_no_name_is_left_in_any_file_or_report(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    everything = [
        "--messages",
        "all",
        "--pcap",
        "all",
        "--parquet",
        "--json",
        "r.json",
        "--junit",
        "r.xml",
        "--html",
        "r.html",
    ]
    assert main(["run", "evening.yaml", "--messages", "all"]) == 1
    plain = (desk / "runs" / "latest").resolve()
    secrets = numbers_played(plain) | set(SECRET)
    assert len(secrets) > 12
    assert {each.split(" in ")[0] for each in found(plain, secrets)} == secrets  # what is searched for can be found
    capsys.readouterr()
    assert main(["run", "evening.yaml", "--pseudonymise", KEY, "--github", *everything]) == 1
    shared = (desk / "runs" / "latest").resolve()
    assert shared != plain
    assert {path.name for path in shared.iterdir()} >= {"messages.pcap", "calls.parquet", "messages.bin", "proxy.log"}
    reports = desk / "reports"
    reports.mkdir()
    for name in ("r.json", "r.xml", "r.html"):
        (desk / name).rename(reports / name)
    printed = capsys.readouterr().out
    (reports / "printed.txt").write_text(printed.partition("\n\n")[2])  # behind the progress, which names the scenario
    assert not found(shared, secrets)
    assert not found(reports, secrets)
    assert KEY.encode() not in b"".join(data for _, data in every_byte(desk / "runs"))


def test_what_is_left_is_the_same_run(desk: Path) -> None:
    assert main(["run", "evening.yaml"]) == 1
    plain = lines(desk / "runs" / "latest" / "calls.jsonl")
    assert main(["run", "evening.yaml", "--pseudonymise", KEY]) == 1
    shared = (desk / "runs" / "latest").resolve()
    calls = lines(shared / "calls.jsonl")
    for name in ("outcome", "truth", "trunk", "rightly_judged"):
        assert [call[name] for call in calls] == [call[name] for call in plain]
    pairs = {(here["caller"], there["caller"]) for here, there in zip(plain, calls, strict=True)}
    assert len({there for _, there in pairs}) == len({here for here, _ in pairs}) == len(pairs)
    assert all(there[:3] == here[:3] and len(there) == len(here) for here, there in pairs)
    assert main(["ladder", str(shared), calls[-1]["id"]]) == 0
    assert main(["report", str(shared), "--call", calls[-1]["id"]]) == 0


def test_the_same_key_gives_the_same_pseudonyms_in_another_run_and_its_file_or_variable_too(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk / "key.txt").write_text(f"{KEY}\n")
    callers = []
    for options in (["--pseudonymise", KEY], ["--pseudonymise", "@key.txt"], []):
        if not options:
            monkeypatch.setenv("RINGFENCE_PSEUDONYM_KEY", KEY)
        assert main(["run", "evening.yaml", "-k", "daughter", *options]) == 1
        run = desk / "runs" / "latest"
        callers.append([call["caller"] for call in lines(run / "calls.jsonl")])
        manifest = json.loads((run / "manifest.json").read_text())
        assert len(manifest["pseudonyms"]) == 8
    assert callers[0] == callers[1] == callers[2] != ["+6591234567"]


def test_a_key_that_is_none_is_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for key in ("short", "@nowhere.txt"):
        with pytest.raises(SystemExit) as ended:
            main(["run", "evening.yaml", "--pseudonymise", key])
        assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "found 5 characters, expected a key of 8 or more" in said
    assert "nowhere.txt: No such file or directory" in said
    assert not (desk / "runs").exists()


def test_a_run_that_fails_leaves_no_numbers_either(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("call to +8613800138001 by zhangwei88")

    monkeypatch.setattr("simulator.play.runner.CallObservation.of", broken)
    with pytest.raises(RuntimeError):
        main(["run", "evening.yaml", "--pseudonymise", KEY, "-k", "daughter"])
    run = (desk / "runs" / "latest").resolve()
    assert json.loads((run / "manifest.json").read_text())["state"] == "failed"
    assert not found(run, {"13800138001", "13800138002", "91234567", *SECRET})


@pytest.mark.skipif(sys.platform != "linux", reason="takes Linux")
def test_no_number_and_no_name_is_left_of_a_load(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = ["--rate", "20", "--hold", "0.5s", "--ramp", "0s", "--p99", "30s", "--failures", "50%"]
    options = [*held, "--processes", "1"]
    assert main(["load", "evening.yaml", *options]) in (0, 1)
    plain = (desk / "runs" / "latest").resolve()
    secrets = {"13800138001", "13800138002", "91234567", *SECRET}
    assert {each.split(" in ")[0] for each in found(plain, secrets)} == secrets
    capsys.readouterr()
    reports = ["--json", "reports/l.json", "--html", "reports/l.html"]
    (desk / "reports").mkdir()
    assert main(["load", "evening.yaml", *options, "--pseudonymise", KEY, *reports]) in (0, 1)
    shared = (desk / "runs" / "latest").resolve()
    assert shared != plain
    (desk / "reports" / "printed.txt").write_text(capsys.readouterr().out)
    assert not found(shared, secrets)
    assert not found(desk / "reports", secrets)
    manifest = json.loads((shared / "manifest.json").read_text())
    assert len(manifest["pseudonyms"]) == 8
    assert KEY not in str(manifest["command"])
    assert main(["report", str(shared)]) == 0


def test_a_folder_without_room_for_pseudonyms_is_told_of(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(folder: Path, _: object) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    monkeypatch.setattr("simulator.cli.pseudonymising.pseudonymise_folder", full)
    asked = ["--html", "r.html", "--pseudonymise", KEY, "-k", "daughter"]
    assert main(["run", "evening.yaml", *asked]) == 3
    told = capsys.readouterr()
    assert "still has numbers, remove it: No space left on device" in told.err
    assert "1 call: 0 scam, 1 legitimate" in told.out
    assert "6591234567" not in told.out
    assert not (desk / "r.html").exists()  # it would be made of the folder


@pytest.mark.parametrize("offline", [[], ["--offline"]])
def test_no_number_and_no_name_is_left_of_a_comparison(
    desk: Path, capsys: pytest.CaptureFixture[str], offline: list[str]
) -> None:
    policies = ["own", "own,barring.incoming_international=off", "evening.yaml", *offline]
    (desk / "reports").mkdir()
    reports = ["--json", "reports/c.json", "--html", "reports/c.html", "--markdown", "reports/c.md"]
    assert main(["compare", *policies, *reports]) == 0
    secrets = {"13800138001", "13800138002"}
    plain = capsys.readouterr().out
    assert "13800138001" in plain
    assert "evening-of-zhang-wei" in (desk / "reports" / "c.md").read_text()
    before = {*(desk / "runs").glob("2*")}
    assert main(["compare", *policies, *reports, "--pseudonymise", KEY]) == 0
    told = capsys.readouterr().out
    (desk / "reports" / "printed.txt").write_text(told if offline else told.partition("\n\n")[2])
    assert not found(desk / "reports", secrets | set(SECRET))
    for run in {*(desk / "runs").glob("2*")} - before:
        assert not found(run, secrets | set(SECRET))
        assert offline or run.name in told

"""The schemas of what runs leave, held against what runs leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.__main__ import main
from tests.plays.command_desk import GETS_THROUGH, SCENARIO, THRESHOLD, lines, written
from tests.plays.held import held, validator

pytestmark = pytest.mark.usefixtures("runs_beside_others")

SHADOWED = """\
scenario: shadowed
home: CN
preset: cn
prevalence: 0.01
rules: {reputation.remote: shadow, barring.incoming_international: shadow}
reputation: {bureau: {rates: {"+65*": {spam: 0.9}}}}
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}}
calls:
  - {campaign: good, trunk: domestic, from: "+8613900139001", to: alice, count: 2, truth: legit}
  - {campaign: bad, trunk: international, from: "+6591234568", to: alice, count: 2, truth: scam}
  - {call: text, trunk: international, from: "+6591234568", to: alice, method: MESSAGE, body: Won, truth: scam}
  - {call: gives-up, trunk: domestic, from: "+8613900139001", to: alice, cancel_after: 0.2s, truth: legit}
  - {call: busy, trunk: domestic, from: "+8613900139001", to: alice, answer: busy, truth: legit}
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs that went right, wrong, and in part."""
    return tmp_path_factory.mktemp("formats")


def test_what_runs_leave_is_as_the_schemas_say(
    seen: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(seen)
    (seen / "played").mkdir()
    for name, text in (("a", SCENARIO + THRESHOLD), ("b", GETS_THROUGH), ("c", SHADOWED)):
        written(seen / "played" / f"{name}.yaml", text)
    assert main(["run", "played", "--messages", "all", "--json", "all.json"]) in (1, 99)
    main(["run", "played/a.yaml", "-k", "daughter", "--json", "part.json", "--pseudonymise", "some longer key"])
    assert held("result", [json.loads((seen / name).read_text()) for name in ("all.json", "part.json")]) == 2
    runs = [path for path in (seen / "runs").iterdir() if not path.is_symlink()]
    assert held("manifest", (json.loads((run / "manifest.json").read_text()) for run in runs)) == 5
    assert held("metrics", (json.loads((run / "metrics.json").read_text()) for run in runs)) == 5
    for name, file, at_least in (("calls", "calls", 26), ("events", "events", 60), ("call-records", "proxy-calls", 30)):
        found = (line for run in runs if (run / f"{file}.jsonl").exists() for line in lines(run / f"{file}.jsonl"))
        assert held(name, found) >= at_least
    capsys.readouterr()
    (shadowed,) = (run for run in runs if run.name.endswith("-shadowed"))
    assert main(["messages", str(shadowed)]) == 0
    assert held("messages", map(json.loads, capsys.readouterr().out.splitlines())) > 20


def test_a_run_that_is_under_way_and_one_that_failed_have_manifests_of_the_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        manifests.append(json.loads((tmp_path / "runs" / "latest" / "manifest.json").read_text()))
        raise RuntimeError("out of luck")

    manifests: list[Any] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("simulator.play.runner.CallObservation.of", broken)
    with pytest.raises(RuntimeError):
        main(["run", written(tmp_path / "a.yaml"), "-k", "daughter"])
    manifests.append(json.loads((tmp_path / "runs" / "latest" / "manifest.json").read_text()))
    assert [each["state"] for each in manifests] == ["running", "failed"]
    assert held("manifest", manifests) == 2
    assert held("events", lines(tmp_path / "runs" / "latest" / "events.jsonl")) > 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metrics", {"calls": "12"}),
        ("events", {"event": "call_placed", "timestamp": "2026-11-29T06:18:13.7Z", "proxied": True}),
        ("events", {"event": "started", "timestamp": "yesterday"}),
        ("calls", {"id": "x"}),
        ("call-records", {"event": "call"}),
        ("manifest", {"state": "over"}),
    ],
)
def test_a_schema_refuses_what_no_run_leaves(name: str, value: Any) -> None:
    assert not validator(name).is_valid(value)

"""The schemas of comparisons, sweeps and explanations, held against what the commands write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.__main__ import main
from simulator.offline.sweep import Sweep
from tests.plays.compared import written
from tests.plays.explaining import CONFIG, INVITE, LIST, ORDER, SUBSCRIBERS
from tests.plays.held import held, validator

GRID = "sweep: s\nparameters: {anonymous.reject: [enforce, off], scam_lists: [[], [listed.csv]]}\n"


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return str(written(tmp_path))


@pytest.mark.usefixtures("runs_beside_others")
@pytest.mark.parametrize("more", [["--offline"], ["-k", "hidden or neighbour"]])
def test_a_comparison_is_as_its_schema_says(scenario: str, more: list[str]) -> None:
    conditions = ["--fail-if", "recall drops > 0.01", "--fail-if", "p95 added rises > 1s"]
    asked = conditions[:2] if "--offline" in more else conditions
    assert main(["compare", "own", "own,anonymous.reject=off", scenario, *more, *asked, "--json", "c.json"]) in (99, 3)
    found = json.loads(Path("c.json").read_text())
    held("comparison", [found])
    assert found["changed_calls"]
    assert bool(found["added_setup_delay"]) is ("--offline" not in more)


def test_what_is_left_of_a_sweep_is_as_its_schema_says(scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    judge, judged = Sweep._judge, []

    def some(self: Sweep, *arguments: object) -> None:
        judged.append(arguments)
        if len(judged) == 4:
            raise KeyboardInterrupt
        judge(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Sweep, "_judge", some)
    Path("grid.yaml").write_text(GRID)
    assert main(["sweep", "grid.yaml", scenario]) == 130
    lines = [json.loads(line) for line in Path("grid.parquet.part").read_text().splitlines()]
    assert len(lines) == 4
    held("sweep-rows", lines)


@pytest.mark.parametrize(
    ("trunk", "request_"),
    [
        ("international", INVITE.format(caller="+23224123456", callee="+8613800138001")),
        ("international", INVITE.format(caller="+6591234567", callee="+8613800138001")),
        ("phones", ORDER.format(caller="+8613800138001")),
        ("international", INVITE.format(caller="+6591234567", callee="+8613800138001").replace("tag=1", "tag=")),
        ("desks", INVITE.format(caller="bob", callee="110")),
    ],
)
def test_an_explanation_is_as_its_schema_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], trunk: str, request_: str
) -> None:
    for name, text in (("proxy.yaml", CONFIG), ("subscribers.yaml", SUBSCRIBERS), ("list.csv", LIST)):
        (tmp_path / name).write_text(text)
    (tmp_path / "request").write_bytes(request_.replace("\n", "\r\n").encode())
    main(["explain", "--config", str(tmp_path / "proxy.yaml"), "--trunk", trunk, str(tmp_path / "request")])
    held("explanation", [json.loads(capsys.readouterr().out)])


@pytest.mark.parametrize(
    ("name", "value"), [("comparison", {"a": "own"}), ("sweep-rows", {"point": 1}), ("explanation", {"action": "drop"})]
)
def test_a_schema_refuses_what_no_command_writes(name: str, value: Any) -> None:
    assert not validator(name).is_valid(value)

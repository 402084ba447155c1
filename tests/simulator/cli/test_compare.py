"""`ringfence compare` as users call it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from simulator.__main__ import main
from tests.plays.compared import written

pytestmark = pytest.mark.usefixtures("runs_beside_others")
OFF = "own,anonymous.reject=off"


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return str(written(tmp_path))


def test_what_changed_is_told_with_both_traces(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "own", OFF, scenario, "--offline"]) == 0
    out = capsys.readouterr().out
    assert "72 calls: 10 with another outcome" in out
    assert "worse: 10 calls of anonymous (unwanted): reject by anonymous.reject → allow by default.allow" in out
    assert "A  reject 433 by anonymous.reject: From names itself Anonymous" in out


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("recall drops > 0.28", 99),
        ("recall drops > 0.29", 0),
        ("false_block_rate rises > 0", 0),
        ("changed > 9", 99),
    ],
)
def test_a_condition_that_fails_is_the_exit_code(scenario: str, condition: str, code: int) -> None:
    assert main(["compare", "own", OFF, scenario, "--offline", "--fail-if", condition]) == code


def test_what_is_missing_is_told_before_anything_is_played(
    scenario: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert main(["compare", "own", OFF, scenario]) == 3
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "ringfence: the exact test takes scipy: pip install 'ringfence[data]'\n")
    assert not Path("runs").exists()


def test_the_files_say_what_the_terminal_says(scenario: str, tmp_path: Path) -> None:
    asked = ["--json", "c.json", "--markdown", "c.md", "--fail-if", "recall drops > 0.01"]
    assert main(["compare", "own", OFF, scenario, "--offline", *asked]) == 99
    found = json.loads((tmp_path / "c.json").read_text())
    assert (found["exit_code"], found["calls"], found["outcomes_changed"]) == (99, 72, 10)
    assert found["paired"]["scam_recall"]["a_only"] == 10
    assert found["by_family"]["anonymous"]["b"]["scam_passed"] == 10
    assert found["by_family"]["wangiri"]["outcomes_changed"] == 0
    (condition,) = found["conditions"]
    assert (condition["fails"], condition["undecided"]) == (True, False)
    assert condition["value"] == pytest.approx(10 / 35)
    assert condition["lower95"] < condition["value"] < condition["upper95"]
    assert found["changed_calls"][0]["b"]["trace"]
    text = (tmp_path / "c.md").read_text()
    assert "| `recall drops > 0.01` | ❌ fails | +28.57" in text
    assert "| worse | 10 | anonymous | unwanted | reject by anonymous.reject → allow by default.allow |" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cnn", "own"], 'found "cnn", expected a file that exists, or "cn"'),
        (
            ["own", "own,anonymus.reject=off"],
            'min_confidence or barred.SERVICE: "anonymous.reject"',
        ),
        (["own", "own,anonymous.reject=of"], "anonymous.reject=enforce or shadow or off"),
        (["own", "own,barred.incoming_international=2"], "a share from 0 to 1"),
        (["own", "own,anonymous.reject"], "expected RULE=MODE"),
    ],
)
def test_a_policy_that_cannot_be_read_is_an_error_of_usage(
    scenario: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *arguments, scenario, "--offline"]) == 2
    assert said in capsys.readouterr().err


def test_delays_cannot_be_asked_for_offline(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--offline", "--fail-if", "p99 added rises > 2ms"]
    assert main(["compare", "own", "own", scenario, *asked]) == 2
    assert "--offline measures none" in capsys.readouterr().err


def test_both_policies_are_played_on_the_wire(scenario: str, tmp_path: Path) -> None:
    asked = ["--json", "c.json", "--fail-if", "recall drops > 0.01", "--fail-if", "p99 added rises > 10s"]
    assert main(["compare", "own", OFF, scenario, *asked]) == 99
    found = json.loads((tmp_path / "c.json").read_text())
    assert (found["calls"], found["outcomes_changed"], [run["policy"] for run in found["folders"]]) == (
        72,
        10,
        ["A", "B"],
    )
    assert found["added_setup_delay"]["pairs"] == 37
    assert [held["fails"] for held in found["conditions"]] == [True, False]
    (changed, *_) = found["changed_calls"]
    assert changed["a"]["trace"][-1][:3] == ["anonymous.reject", "enforce", "reject"]
    assert changed["b"]["trace"][-1][:3] == ["default.allow", "enforce", "allow"]

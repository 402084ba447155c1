"""The example that compares two runs, run as its first cell says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from simulator.__main__ import main
from tests.plays import forked

EXAMPLE = Path(__file__).parents[3] / "scenarios" / "compare_two_runs.py"
SCENARIO = """\
scenario: twice
home: CN
preset: cn
rules: {anonymous.reject: MODE}
subscribers:
  bob: {number: "+8613800138002", barring: {anonymous: on}}
calls:
  - {campaign: hidden, trunk: domestic, from: anonymous, to: bob, count: 3, rate: 20/s, truth: scam, family: anonymous}
  - {campaign: friend, trunk: domestic, from: "+8613912345678", to: bob, count: 2, rate: 20/s, truth: legit}
"""


def played(mode: str) -> str:
    """The folder of a run with that mode of the rule."""
    Path("twice.yaml").write_text(SCENARIO.replace("MODE", mode))
    main(["run", "twice.yaml", "--parquet"])
    return str(Path("runs/latest").resolve())


def rows(text: str, title: str) -> list[list[str]]:
    """The rows of a table that was printed below that title."""
    _, _, below = text.partition(f"\n{title}\n")
    return [line.split() for line in below.partition("\n\n")[0].splitlines()[1:]]


@pytest.mark.usefixtures("runs_beside_others")
def test_it_says_what_changed_between_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [played("enforce"), played("off")]
    told = forked.run([sys.executable, str(EXAMPLE), *runs]).stdout
    assert rows(told, "Outcomes") == [["a", "5", "3", "0", "0", "0"], ["b", "5", "0", "3", "0", "0"]]
    assert rows(told, "Changed verdicts") == [
        ["anonymous", "scam", "reject", "anonymous.reject", "allow", "default.allow", "3", "hidden.1"]
    ]
    assert rows(told, "Calls of one run only") == [["0", "0"]]
    ((pairs, *delays),) = rows(told, "Added set-up delay, in milliseconds")
    assert pairs == "2"
    assert all(isinstance(float(each), float) for each in delays)


def test_a_run_without_a_table_is_told_with_the_command_that_makes_one(tmp_path: Path) -> None:
    asked = forked.run([sys.executable, str(EXAMPLE), str(tmp_path), str(tmp_path)])
    table = tmp_path / "calls.parquet"
    assert asked.stderr == f"{table} is missing: ringfence report {tmp_path} --parquet {table}\n"
    assert asked.returncode == 1

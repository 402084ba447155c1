"""pytest plays scenario files, and tests in Python get labs, proxies and phones.

Each test runs a pytest within this one, which has imported all that it needs; the example of the README is run as
people run it, in a process of its own.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

# All that the plugin imports, for pytest forgets what a pytest within it imported.
from simulator.judging import result
from simulator.lab import proxy_forks  # noqa: F401
from simulator.play.session import Session  # noqa: F401
from simulator.report.ladder import ladder_of  # noqa: F401
from simulator.results.run_reader import find_call  # noqa: F401
from simulator.testing.testbed import Testbed  # noqa: F401
from tests.plays import forked
from tests.plays.proxy_templates import forked_template

pytest_plugins = ["pytester"]

Run = Callable[..., tuple[int, str]]
README = Path(__file__).parents[2] / "scenarios" / "README.md"
GOOD = """\
scenario: good
home: CN
preset: cn
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}, allow: ["+6591234567"]}
calls:
  - {call: daughter, trunk: international, from: "+6591234567", to: alice, truth: legit}
  - campaign: cold-calls
    trunk: international
    from: {prefix: "+23224", pool: 2}
    to: alice
    count: 2
    truth: scam
"""
WRONG = GOOD.replace("scenario: good", "scenario: wrong").replace(
    "to: alice, truth: legit}", "to: alice, truth: legit,\n     expect: {rule: default.allow}}"
)
CONFIG = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a good and a wrong scenario."""
    (tmp_path / "pytest.ini").write_text(CONFIG)
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "other.yaml").write_text("listen: []\n")
    return tmp_path


def plugin() -> list[str]:
    """The options that load the plugin: none where the package is installed, which it is then by itself."""
    installed = any(each.value == "simulator.pytest_plugin" for each in entry_points(group="pytest11"))
    return [] if installed else ["-p", "simulator.pytest_plugin"]


@pytest.fixture
def run(desk: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest in the folder; returns its exit code and output."""
    monkeypatch.chdir(desk)
    monkeypatch.setattr(result, "LATENESS_BOUND", 60.0)  # valid also on a machine that lags
    monkeypatch.setattr("simulator.lab.proxy_forks.start_template", forked_template)

    def run(*arguments: str) -> tuple[int, str]:
        ended = pytester.runpytest_inprocess(*plugin(), "-p", "no:xdist", "-p", "no:rerunfailures", *arguments)
        return int(ended.ret), ended.stdout.str() + ended.stderr.str()

    return run


def test_a_scenario_file_is_a_test_and_its_failure_shows_the_line_the_reason_and_the_ladder(
    desk: Path, run: Run
) -> None:
    code, told = run("--junitxml=result.xml")
    assert code == 1
    assert "1 failed, 1 passed" in told
    assert f"{desk}/wrong.yaml:8: daughter: rule subscriber.allow instead of default.allow" in told
    assert "the proxy: label by subscriber.allow" in told
    assert "|------INVITE----->|" in told
    (suite,) = ET.parse(desk / "result.xml").getroot()  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_each_call_is_a_test_where_asked_for_and_what_is_left_out_is_not_played(desk: Path, run: Run) -> None:
    code, told = run("--ringfence-each-call", "--collect-only", "-q")
    assert code == 0
    assert told.split()[:6] == [
        *(f"good.yaml::{name}" for name in ("cold-calls.1", "daughter", "cold-calls.2")),
        *(f"wrong.yaml::{name}" for name in ("cold-calls.1", "daughter", "cold-calls.2")),
    ]
    code, told = run("--ringfence-each-call", "-k", "daughter and wrong")
    assert (code, "1 failed, 5 deselected" in told) == (1, True)
    (played,) = (desk / "runs").glob("*-wrong")
    assert len((played / "calls.jsonl").read_text().splitlines()) == 1
    code, told = run("--ringfence-each-call", "--lf", "-x")
    assert code == 1
    assert "1 failed" in told
    assert "passed" not in told


def test_a_failure_says_what_was_not_waited_for(desk: Path, run: Run) -> None:
    last = '  - {call: last, after: daughter, trunk: domestic, from: "+8613912345678", to: alice, truth: scam}\n'
    (desk / "good.yaml").write_text(GOOD + last)
    code, told = run("--ringfence-each-call", "-k", "last", "good.yaml")
    assert (code, "1 failed" in told) == (1, True)
    assert "note: last did not wait for daughter: not played" in told


def test_thresholds_are_a_test_of_their_own_and_a_part_of_the_calls_is_held_to_none(desk: Path, run: Run) -> None:
    (desk / "wrong.yaml").unlink()
    strict = GOOD + 'thresholds:\n  scam_recall: [">= 0.99 lower95"]\n'
    (desk / "good.yaml").write_text(strict)
    code, told = run("--ringfence-each-call")
    assert (code, "1 failed, 3 passed" in told) == (1, True)
    assert f"{desk}/good.yaml:15: threshold undecided: scam_recall >= 0.99 lower95" in told
    code, told = run("--ringfence-each-call", "-k", "thresholds or daughter")
    assert (code, "1 passed, 1 skipped, 2 deselected" in told) == (0, True)


def test_a_broken_scenario_is_an_error_of_collection_with_line_and_column(desk: Path, run: Run) -> None:
    (desk / "good.yaml").write_text(GOOD.replace("truth: legit", "truth: maybe"))
    code, told = run("good.yaml")
    assert code == 2
    assert 'good.yaml:7:83: found "maybe"' in told


def _examples() -> list[str]:
    section = README.read_text(encoding="utf-8").partition("## In pytest")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def test_the_example_of_the_readme_passes(desk: Path) -> None:
    (example,) = _examples()
    (desk / "test_example.py").write_text(example)
    command = [sys.executable, "-m", "pytest", *plugin(), "-p", "no:xdist", "test_example.py"]
    ended = forked.run(command, cwd=desk)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "3 passed" in ended.stdout


def test_what_a_lab_cannot_be_made_of_is_said(desk: Path, run: Run) -> None:
    (desk / "test_wrong.py").write_text('def test_lab(lab):\n    lab(preset="nowhere")\n')
    code, told = run("test_wrong.py")
    assert code == 1
    assert "nowhere" in told


def test_a_scenario_behind_a_byte_order_mark_is_one(desk: Path, run: Run) -> None:
    (desk / "marked.yaml").write_text(GOOD, encoding="utf-8-sig")
    code, told = run("--collect-only", "-q", "marked.yaml")
    assert code == 0
    assert "marked.yaml::good" in told

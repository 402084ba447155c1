"""The run as GitHub Actions shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simulator.judging.figures import Figures
from simulator.report import github
from simulator.report.failures import Failure
from simulator.scenario.calls import Expect
from tests.plays.observed import call
from tests.plays.played import BROKEN, GOOD, WRONG

ROAMER = """\
scenario: roamer
calls:
  - call: roamer
    trunk: international
    expect:
      action: allow
thresholds:
  scam_recall: ">= 0.5"
  added_setup_delay: [p99 < 1s]
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with the file of the scenario that goes wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "roamer.yaml").write_text(ROAMER)
    return tmp_path


def test_each_failure_is_an_error_at_the_line_that_expected_something_else(desk: Path) -> None:
    played = replace(WRONG, source=desk / "roamer.yaml")
    assert list(github.commands([GOOD, played, BROKEN])) == [
        (
            "::error file=roamer.yaml,line=6,title=roamer%3A roamer::1 call: action reject instead of allow%0A"
            "the proxy on r1 from +23224000001 to +8613800138001: reject with 603 by barring.incoming_international"
        ),
        "::error file=roamer.yaml,line=9,title=roamer%3A threshold missed::added_setup_delay p99 < 1s: not measured",
        "::error file=wangiri.yaml,line=1,title=broken%3A invalid::the proxy dropped 3 datagrams",
    ]


def test_nothing_that_a_call_says_ends_a_workflow_command_or_begins_another() -> None:
    failure = Failure("odd,name:1%.yaml", 3, "a: b, c", "100 %\r\n::stop-commands::x")
    assert github.command(failure) == (
        "::error file=odd%2Cname%3A1%25.yaml,line=3,title=a%3A b%2C c::100 %25%0D%0A::stop-commands::x"
    )


def test_github_shows_ten_errors_of_a_step_and_the_last_of_them_counts_the_rest(desk: Path) -> None:
    observed = tuple(
        call(f"r{place}", name=f"roamer-{place}", truth="legit", expect=Expect(action="allow")) for place in range(12)
    )
    result = replace(WRONG, figures=Figures(observed, {}), thresholds=())
    shown = list(github.commands([result]))
    assert len(shown) == 10
    assert shown[-1] == "::error title=Ringfence::3 more failures: see the summary of this step"


def test_the_summary_of_the_step_is_appended_in_markdown_with_the_verdict_first(desk: Path) -> None:
    target = desk / "step.md"
    target.write_text("before\n")
    played = replace(WRONG, source=desk / "roamer.yaml")
    assert not list(github.append_summary([GOOD, played], desk / "runs", {"GITHUB_STEP_SUMMARY": str(target)}))
    text = target.read_text()
    assert text.startswith("before\n## ❌ Ringfence: Some calls were judged wrongly.\n")
    assert "| wangiri | 2 | 1 of 1: 100 %" in text.replace("100.0 %", "100 %")
    assert "- **roamer: roamer** (roamer.yaml:6): 1 call: action reject instead of allow" in text
    assert not list(github.append_summary([GOOD], desk, {}))
    (complaint,) = github.append_summary([GOOD], desk, {"GITHUB_STEP_SUMMARY": str(desk / "none" / "step.md")})
    assert complaint.endswith("step.md: not written: No such file or directory")


def test_a_summary_holds_no_markup_of_others_and_no_more_than_github_takes(desk: Path) -> None:
    bad = replace(BROKEN, problems=("<img src=x> `a` | b\n# c",))
    assert r"\<img src=x\> \`a\` \| b \# c" in github.summary([bad], desk)
    long = github.summary([replace(BROKEN, problems=tuple(f"{place} {'x' * 1000}" for place in range(2000)))], desk)
    assert len(long.encode()) < 1_048_576
    assert long.endswith("and more, for which there is no room here\n")


def test_only_a_job_of_github_asks_for_it_by_itself() -> None:
    assert github.on_github({"GITHUB_ACTIONS": "true"})
    assert not github.on_github({})

"""The pages of a comparison and of a sweep, looked at in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from simulator.judging.accuracy import Confusion
from simulator.judging.compared import Compared
from simulator.judging.conditions import Condition
from simulator.offline.sweep import Row
from simulator.report.html import comparison, tradeoff
from tests.plays.browser import chromium, looking
from tests.plays.compared import compared

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def compared_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    found = compared(folder, "own", "own,anonymous.reject=shadow,subscriber.allow=off")
    conditions = [Condition.parse(text) for text in ("recall drops > 0.01", "false_block_rate rises > 50%")]
    delays = [(0.001, 0.002), (0.001, 0.0015), (0.002, 0.002)]
    whole = Compared(
        "own", "<b>own</b>", [("neighbours", 3)], found, conditions, delays, [("A", "runs/a"), ("B", "runs/b")]
    )
    page = folder / "comparison.html"
    page.write_text(comparison.document(whole), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def sweep_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        Row(number, {"barred": number / 50, "lists": ("a.csv", "b.csv")}, Confusion(number, 50 - number, b, 99 - b))
        for number in range(50)
        for b in [number // 3 if number % 2 else number // 2]
    ]
    page = tmp_path_factory.mktemp("swept") / "sweep.html"
    page.write_text(tradeoff.document("half", rows, 60, ["neighbours"]), encoding="utf-8")
    return page


def test_the_pages_ask_for_nothing_and_can_be_read_by_all(
    browser: Browser, compared_page: Path, sweep_page: Path
) -> None:
    for page in (compared_page, sweep_page):
        with looking(browser, page) as look:
            assert look.asked == [page.as_uri()]
            assert look.complaints == []
            assert look.faults_in_both_schemes() == []


def test_the_pages_fit_a_telephone(browser: Browser, compared_page: Path, sweep_page: Path) -> None:
    for page in (compared_page, sweep_page):
        with looking(browser, page, width=360) as look:
            assert look.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_comparison_says_what_changed_and_shows_both_traces(browser: Browser, compared_page: Path) -> None:
    with looking(browser, compared_page) as look:
        text = look.page.inner_text("body")
        assert "B differs from A more than it may" in text
        assert "<b>own</b>" in text
        assert "reject by anonymous.reject → allow by default.allow" in text
        details = look.page.locator("details").first
        details.locator("summary").press("Enter")
        told = details.inner_text()
        assert "subscriber.allow\tenforce\tallow" in told
        assert "barring.incoming_international\tenforce\treject" in told


def test_a_sweep_draws_its_points_and_the_front(browser: Browser, sweep_page: Path) -> None:
    with looking(browser, sweep_page) as look:
        tradeoff = look.page.locator("svg").first
        assert tradeoff.locator(".dot").count() == 50
        assert tradeoff.locator(".best").count() > 2
        text = look.page.inner_text("body")
        assert "50 of 60 points, 149 calls each; it was interrupted" in text
        assert "The same for all: lists a.csv b.csv." in text

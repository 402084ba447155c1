"""The page of a load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from simulator.judging.histogram import Histogram
from simulator.load.drive import Asked, Live
from simulator.load.folder import LoadFolder
from simulator.load.plateau import Plateau
from simulator.load.result import LoadResult
from simulator.report.html import load_page
from simulator.results.run_folder import RunFolder
from tests.plays.browser import chromium, looking
from tests.plays.loaded import LIMITS, plateau


def left(root: Path, *plateaus: Plateau, best: Plateau | None) -> Path:
    """The folder of a load with these plateaus."""
    load = {
        "lowest": 100.0,
        "highest": 1000.0,
        "ramp": 1.0,
        "hold": 10.0,
        "p99": 0.1,
        "failures": 0.001,
        "processes": 2,
    }
    folder = RunFolder(root, "town", {"scenario": "town", "command": ["ringfence", "load"], "home": "CN", "load": load})
    writer = LoadFolder(folder)
    delay = plateaus[0].delay
    for second, each in enumerate(plateaus):
        writer.hear(Live(float(second), each.number, each.rate, each.calls, 0, 3, each.rate * 0.9, delay, delay, 0.5))
    asked = Asked(100.0, 1000.0, 1.0, 10.0, LIMITS)
    found = Histogram([0.00005, 0.00006])
    writer.keep(LoadResult("town", Path("town.yaml"), folder.path, asked, 2, plateaus, best, found))
    return folder.path


def found(root: Path) -> Path:
    held = plateau(200.0)
    tried = (plateau(100.0), held, plateau(400.0, rang=0.5), plateau(400.0, failing=7, number=3))
    return left(root, *tried, best=held)


def test_the_rate_that_was_found_comes_first(tmp_path: Path) -> None:
    page = load_page.document(found(tmp_path))
    assert "200 calls a second" in page
    assert "(limit 100 ms)" in page
    assert "400 calls/s: 7 503 Service Unavailable" in page
    assert "the decision in it, 2 calls" in page


def test_where_nothing_held_the_page_says_so(tmp_path: Path) -> None:
    page = load_page.document(left(tmp_path, plateau(100.0, rang=0.5), best=None))
    assert "100 calls a second" in page
    assert "They did not hold." in page


def test_a_load_that_was_cut_off_has_no_page(tmp_path: Path) -> None:
    folder = found(tmp_path)
    assert load_page.is_load(folder)
    (folder / "load.json").unlink()
    assert load_page.is_load(folder)
    with pytest.raises(FileErrors, match="this load has not come to its end"):
        load_page.document(folder)


def test_a_long_load_has_a_picture_of_no_more_points_than_can_be_seen(tmp_path: Path) -> None:
    folder = found(tmp_path)
    seconds = folder / "load-seconds.jsonl"
    seconds.write_text(seconds.read_text() * 5_000)
    assert len(load_page.document(folder)) < 200_000
    assert json.loads((folder / "load.json").read_text())["shown"] == 1


@pytest.mark.browser
def test_in_a_browser_it_asks_for_nothing_and_has_no_serious_fault(tmp_path: Path) -> None:
    (page := tmp_path / "load.html").write_text(load_page.document(found(tmp_path)))
    with chromium() as browser:
        for width, scheme in ((1280, "light"), (360, "dark")):
            with looking(browser, page, width=width, scheme=scheme) as look:  # type: ignore[arg-type]
                assert look.asked == [page.as_uri()]
                assert look.complaints == []
                assert look.faults() == []
                assert look.page.evaluate("document.documentElement.scrollWidth") <= width

"""The report of a run as a page, looked at in a browser."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from simulator.media.recordings import recording_path
from simulator.report.html.page import document, write
from simulator.results.run_folder import write_suite
from tests.plays import ROOT
from tests.plays.browser import chromium, looking
from tests.plays.command_desk import SCENARIO
from tests.plays.left_run import HARD_DAY, HOSTILE, call, leave_run, left

pytestmark = pytest.mark.browser


# What the command needs of the memory at most, in kB, where the system tells.
MEASURED = """
import pathlib, sys
from simulator.__main__ import main
main(["report", sys.argv[1]])
status = pathlib.Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else ["VmHWM: 0 kB"]
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (result,) = leave_run(tmp_path_factory.mktemp("hard-day"), HARD_DAY)
    return result.folder


@pytest.fixture(scope="module")
def page(run: Path) -> Path:
    target = run / "report.html"
    write(run, target)
    return target


def test_the_page_asks_for_nothing_and_complains_of_nothing_whatever_calls_say(browser: Browser, page: Path) -> None:
    assert page.read_text().count(HOSTILE) == 0
    with looking(browser, page) as look:
        look.page.get_by_label("Search").fill("daughter")
        look.page.keyboard.press("Enter")
        look.page.locator(".messages summary").first.click()
        assert "{{ 7*7 }}" in look.page.locator(".messages pre").first.inner_text()
        assert look.asked == [page.as_uri()]
        assert look.complaints == []


def test_the_verdict_comes_first_then_what_failed_and_what_is_undecided(browser: Browser, page: Path) -> None:
    with looking(browser, page) as look:
        assert look.page.locator("h1").inner_text() == "✕ Wrong verdict"
        failed = look.page.locator(".kinds li").all_inner_texts()
        assert len(failed) == 2
        assert failed[0].startswith("couriers, 10 calls: a legit call was blocked")
        rows = [row.split("\t") for row in look.page.locator(".thresholds tbody tr").all_inner_texts()]
        assert [(row[0], row[1]) for row in rows] == [
            ("scam_recall >= 0.95 lower95", "? undecided"),
            ("false_block_rate <= 0.02", "✕ missed"),
            ("precision >= 0.1", "✓ met"),
        ]
        cells = look.page.locator(".confusion td b").all_inner_texts()
        assert cells == ["10", "0", "10", "12"]
        assert "where 1 % of calls are scam" in look.page.locator(".cards").inner_text()


def test_the_ladder_of_a_call_is_found_and_read_by_keyboard(browser: Browser, page: Path) -> None:
    with looking(browser, page) as look:
        press = look.page.keyboard.press
        press("Tab")
        assert look.focused() == "Skip to the calls"
        press("Enter")
        press("Tab")
        assert look.focused() == "search"
        look.page.keyboard.type("singapore label")
        assert look.page.locator("#found").inner_text() == "1 of 32 calls"
        press("Enter")
        assert look.focused() == "call-title"
        assert look.page.locator("#call h3").inner_text() == "daughter-in-singapore"
        titles = look.page.locator("svg.ladder .title").all_text_contents()
        assert titles == ["policy", "caller", "proxy", "softswitch", "phone"]
        told = " ".join(look.page.locator("svg.ladder .judgement text").all_text_contents())
        assert "label by subscriber.allow" in told
        assert "Without subscriber.allow: would have been refused with 603, by barring" in told
        press("Escape")
        assert look.focused().startswith("Calls: arrows move")
        press("Enter")
        for _ in range(20):
            press("Tab")
            if look.focused().startswith("Compare message 1"):
                break
        press("Space")
        press("Tab")
        press("Enter")
        assert look.page.locator(".messages pre").first.is_visible()
        second = look.page.get_by_label("Compare message 3")
        second.focus()
        press("Space")
        assert look.page.locator(".diff tr.differs").count() > 3


def test_the_table_goes_row_by_row_with_arrows_and_sorts(browser: Browser, page: Path) -> None:
    with looking(browser, page) as look:
        grid = look.page.get_by_role("grid")
        grid.focus()
        look.page.keyboard.press("End")
        look.page.keyboard.press("ArrowUp")
        assert grid.locator('[aria-selected="true"]').get_attribute("aria-rowindex") == "32"
        look.page.keyboard.press("Enter")
        assert look.focused() == "call-title"
        look.page.get_by_role("button", name="Truth").click()
        assert grid.locator('.row[aria-rowindex="2"] .truth').inner_text() == "legit"
        look.page.get_by_role("button", name="Truth").click()
        assert grid.locator('.row[aria-rowindex="2"] .truth').inner_text() == "scam"
        look.page.get_by_role("combobox").select_option("stopped")
        assert look.page.locator("#found").inner_text() == "10 of 32 calls"


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_keeps_anybody_out(browser: Browser, page: Path, width: int) -> None:
    with looking(browser, page, width=width) as look:
        look.page.get_by_label("Search").fill("daughter")
        look.page.keyboard.press("Enter")
        look.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert look.faults_in_both_schemes() == []
        assert look.page.evaluate("document.documentElement.scrollWidth") == width


def test_a_ladder_is_copied_as_text_and_saved_as_a_picture(browser: Browser, page: Path, tmp_path: Path) -> None:
    with looking(browser, page) as look:
        look.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        look.page.get_by_role("button", name="Copy as text").click()
        look.page.get_by_role("button", name="Copied").wait_for()
        copied: str = look.page.evaluate("navigator.clipboard.readText()")
        assert "# reject with 603 by" in copied
        with look.page.expect_download() as download:
            look.page.get_by_role("button", name="Save picture").click()
        saved = tmp_path / "ladder.svg"
        download.value.save_as(saved)
    with looking(browser, saved) as look:
        assert look.page.evaluate("document.documentElement.tagName") == "svg"
        fills = "[...document.querySelectorAll('.box')].map(each => each.getAttribute('stroke'))"
        assert look.page.evaluate(fills) == ["rgb(106, 76, 147)"]


def test_what_was_heard_is_played(browser: Browser, run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    heard = recording_path(copy, "caller", "daughter-in-singapore")
    heard.parent.mkdir()
    with wave.open(str(heard), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\x10" * 4000)
    write(copy, tmp_path / "report.html", ["daughter-in-singapore"])
    with looking(browser, tmp_path / "report.html") as look:
        look.page.get_by_label("Search").fill("daughter")
        look.page.keyboard.press("Enter")
        length = "audio => new Promise(known => { audio.onloadedmetadata = () => known(audio.duration); audio.load() })"
        assert look.page.locator("audio").evaluate(length) == 0.5
        assert look.complaints == []


def test_the_picture_in_the_readme_is_what_a_page_looks_like(browser: Browser, page: Path, tmp_path: Path) -> None:
    """RINGFENCE_PICTURES=1 takes it anew."""
    kept = ROOT / "scenarios" / "report.png"
    taken = kept if os.environ.get("RINGFENCE_PICTURES") else tmp_path / "report.png"
    with looking(browser, page, width=1120) as look:
        look.page.screenshot(path=taken)
    assert png_size(taken) == png_size(kept) == (1120, 900)
    assert f"({kept.relative_to(ROOT)})" in (ROOT / "README.md").read_text()


def png_size(path: Path) -> tuple[int, int]:
    """Width and height, as the header of a PNG has them."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return width, height


def test_it_prints_without_what_only_a_screen_needs(browser: Browser, page: Path) -> None:
    with looking(browser, page, scheme="dark") as look:
        look.page.emulate_media(media="print")
        assert not look.page.get_by_role("grid").is_visible()
        assert look.page.locator("svg.ladder").is_visible()
        colour = "getComputedStyle(document.body).backgroundColor"
        assert look.page.evaluate(colour) == "rgb(255, 255, 255)"
        assert look.page.pdf().startswith(b"%PDF")


def test_several_scenarios_are_one_page(browser: Browser, tmp_path: Path) -> None:
    results = leave_run(tmp_path, HARD_DAY, SCENARIO)
    folder = write_suite(tmp_path / "runs", results, ["ringfence", "run"])
    write(folder, tmp_path / "suite.html")
    with looking(browser, tmp_path / "suite.html") as look:
        rows = [row.split("\t")[:3] for row in look.page.locator("#scenarios tbody tr").all_inner_texts()]
        assert rows == [["hard-day", "✕ Wrong verdict", "32"], ["small", "✓ As expected", "12"]]
        look.page.get_by_label("Search").fill("emergency")
        look.page.keyboard.press("Enter")
        assert look.page.locator("#call h3").inner_text() == "emergency"
        assert look.complaints == []
        assert look.faults() == []


def test_a_report_that_lacks_a_row_says_so_in_the_first_place(browser: Browser, run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    lines = (copy / "calls.jsonl").read_text().splitlines(keepends=True)
    (copy / "calls.jsonl").write_text("".join(lines[:-1]))
    write(copy, tmp_path / "report.html")
    with looking(browser, tmp_path / "report.html") as look:
        assert "32 calls, calls.jsonl has 31: do not use this report" in look.page.locator(".problems").inner_text()


def test_a_hundred_thousand_calls_are_a_page_of_bounded_size_that_draws_few_rows(
    browser: Browser, tmp_path: Path
) -> None:
    calls = (call(f"cold-calls-from-overseas.{row:06}", row / 400, caller=f"+23224{row:06}") for row in range(100_000))
    folder = left(tmp_path / "run", next(calls))
    with (folder / "calls.jsonl").open("a") as file:
        file.writelines(json.dumps(each) + "\n" for each in calls)
    (folder / "metrics.json").write_text(json.dumps({"calls": 100_000, "calls.legit_passed": 100_000}))
    told = subprocess.run(
        [sys.executable, "-c", MEASURED, folder], check=True, cwd=ROOT, capture_output=True, text=True
    )
    page = folder / "report.html"
    assert page.stat().st_size < 15_000_000
    assert int(told.stdout.splitlines()[-1]) < 500_000
    with looking(browser, page) as look:
        assert look.page.locator("#found").inner_text() == "100,000 calls"
        look.page.get_by_label("Search").fill("+23224099999")
        assert look.page.locator("#found").inner_text() == "1 of 100,000 calls"
        look.page.get_by_label("Search").fill("")
        look.page.get_by_role("grid").focus()
        look.page.keyboard.press("End")
        assert look.page.locator('#table [aria-selected="true"] .id').inner_text() == "cold-calls-from-overseas.099999"
        assert look.page.locator("#table .body .row").count() < 60
        assert look.complaints == []


def test_a_run_without_a_call_is_a_page_too(browser: Browser, tmp_path: Path) -> None:
    folder = left(tmp_path / "run", exit_code=3, invalid_because=["the softswitch did not start"])
    write(folder, tmp_path / "report.html")
    with looking(browser, tmp_path / "report.html") as look:
        assert look.page.locator("h1").inner_text() == "! Invalid"
        assert "the softswitch did not start" in look.page.locator(".problems").inner_text()
        assert look.page.get_by_role("grid").inner_text().endswith("No call is like that.")
        assert (look.complaints, look.faults()) == ([], [])


def test_a_run_that_was_cut_off_is_reported_as_such(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    for name in ("calls.jsonl", "metrics.json"):
        (copy / name).unlink()
    manifest = json.loads((copy / "manifest.json").read_text())
    kept = {key: value for key, value in manifest.items() if key not in ("exit_code", "finished", "thresholds")}
    (copy / "manifest.json").write_text(json.dumps(kept | {"state": "running"}))
    assert "Not finished" in document(copy)

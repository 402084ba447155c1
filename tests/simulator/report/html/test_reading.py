"""Reading a run's folder for the page."""

from __future__ import annotations

from math import isnan
from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from simulator.report.html import charts, page
from simulator.report.html.panels import chosen_rows
from simulator.report.html.reading import read_run
from tests.plays.left_run import call, left


def test_times_count_from_the_begin_of_the_run(tmp_path: Path) -> None:
    run = read_run(left(tmp_path / "run", call("a", 500.0), call("b", 502.5)))
    assert list(run.calls.at) == [2.0, 4.5]
    assert [round(delay, 6) for delay in run.calls.setup] == [0.01, 0.01]
    assert [round(delay, 6) for delay in run.calls.direct] == [0.004, 0.004]
    assert [(moment.at, moment.kind) for moment in run.scenarios[0].moments] == [
        (0.0, "started"),
        (1.0, "pass_started"),
        (9.0, "problem"),
        (10.0, "pass_ended"),
    ]
    picture = charts.timeline(run.calls, run.scenarios[0])
    assert picture is not None
    assert "the proxy dropped 3 datagrams" in picture


def test_delays_count_as_they_do_in_the_figures(tmp_path: Path) -> None:
    saw = call("a", 0.0)["caller_saw"]
    refused = {"action": "reject", "status": 603, "rule": "r", "detail": "", "final": 603, "elapsed_us": 9}
    run = read_run(
        left(
            tmp_path / "run",
            call("text", 1.0, method="MESSAGE", direct=None),
            call("real", 1.0, agent="pjsua", direct=None),
            call("refused", 0.0, outcome="blocked", proxy_wrote=refused, direct=None),
            call("unrung", 0.0, caller_saw=saw | {"ringing": None}, direct=None),
        )
    )
    assert [isnan(delay) for delay in run.calls.setup] == [True, True, True, False]
    assert run.calls.setup[3] == pytest.approx(0.02)


def test_rows_that_do_not_add_up_to_the_figures_are_told(tmp_path: Path) -> None:
    folder = left(tmp_path / "run", call("a", 0.0), call("b", 1.0, truth="scam", rightly_judged=False))
    assert "do not count the same (scam passed, legit passed): do not use this report" in page.document(folder)
    assert "do not use this report" not in page.document(left(tmp_path / "fine", call("a", 0.0)))


def test_one_of_each_way_to_fail_is_chosen_before_many_of_one(tmp_path: Path) -> None:
    many = [call(f"w.{number}", float(number), failed=True, wrong="wrong") for number in range(300)]
    run = read_run(
        left(tmp_path / "run", *many, call("x", 300.0, failed=True), call("fine", 301.0), call("pick", 302.0))
    )
    assert chosen_rows(run.calls, {"pick"})[:4] == [302, 0, 300, 1]
    assert len(chosen_rows(run.calls, ())) == 200


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileErrors, match="this is no folder of a run"):
        read_run(tmp_path)


def test_halves_of_characters_are_written_as_what_they_are(tmp_path: Path) -> None:
    text = page.document(left(tmp_path / "run", call("a", 0.0, caller="\udcff")))
    assert "\\udcff" in text.encode().decode()


def test_a_call_of_which_nobody_else_knows_is_shown_all_the_same(tmp_path: Path) -> None:
    lost = call("lost", 0.0, proxy_wrote=None, outcome="fault", disagreements=["the proxy wrote no call record"])
    silent = lost["caller_saw"] | {"sent": None, "ringing": None, "final": None, "status": None, "error": "no port"}
    text = page.document(left(tmp_path / "run", lost | {"caller_saw": silent, "direct": None}))
    assert "no port" in text
    assert "wrote no call record" in text
    assert "No message of it was recorded" in text

"""The file of a sweep: its points, and what is told of values that no policy can have."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors, load
from simulator.offline.grid import Grid
from tests.plays.compared import LISTED


def grid(folder: Path, text: str) -> Grid:
    (folder / "listed.csv").write_text(LISTED, encoding="utf-8")
    path = folder / "grid.yaml"
    path.write_text(f"sweep: s\n{text}", encoding="utf-8")
    return load(path, Grid)


def test_a_grid_has_every_combination_in_order(tmp_path: Path) -> None:
    found = grid(
        tmp_path,
        "policy: {rules: {spoofed.home_number: shadow}}\n"
        "parameters:\n"
        "  anonymous.reject: [enforce, off]\n"
        "  barred.incoming_international: {from: 0, to: 1, steps: 3}\n"
        "  scam_lists: [[], [listed.csv]]\n",
    )
    points = list(found.points())
    assert found.size == len(points) == 12
    assert [point.number for point in points] == list(range(12))
    assert {point.parameters["barred.incoming_international"] for point in points} == {0.0, 0.5, 1.0}
    assert points[0].variant.rules == {"spoofed.home_number": "shadow", "anonymous.reject": "enforce"}
    assert points[-1].variant.scam_lists == (tmp_path / "listed.csv",)


def test_samples_are_drawn_from_the_seed_each_on_its_own(tmp_path: Path) -> None:
    parameters = "parameters: {barred.anonymous: {from: 0.2, to: 0.4}, preset: [cn, gb, default]}\n"
    ten = list(grid(tmp_path, f"samples: 10\n{parameters}").points())
    assert list(grid(tmp_path, f"samples: 10\n{parameters}").points()) == ten
    assert list(grid(tmp_path, f"samples: 4\n{parameters}").points()) == ten[:4]
    assert list(grid(tmp_path, f"seed: 2\nsamples: 10\n{parameters}").points()) != ten
    assert all(0.2 <= point.parameters["barred.anonymous"] <= 0.4 for point in ten)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("{anonymus.reject: [off]}", 'grid.yaml:2:14: found "anonymus.reject", expected a rule'),
        ("{anonymous.reject: [of]}", 'grid.yaml:2:33: found "of", expected anonymous.reject=enforce or shadow or off'),
        ("{anonymous.reject: {from: 0, to: 1, steps: 2}}", "only numbers have a from and a to"),
        ("{barred.anonymous: {from: 0, to: 1}}", "steps: N beside from and to"),
        ("{barred.anonymous: {from: 0, to: 2, steps: 3}}", "0 <= from <= to <= 1"),
        ("{barred.anonymous: [1.5]}", "a share from 0 to 1"),
        ("{scam_lists: [[none.csv]]}", "a file that exists"),
        ("{scam_lists: [listed.csv]}", "a list of paths"),
        ("{preset: [[cn]]}", "one value"),
        ("{}", "at least 1"),
    ],
)
def test_a_value_that_no_policy_can_have_is_told_with_its_place(tmp_path: Path, parameters: str, said: str) -> None:
    with pytest.raises(FileErrors) as wrong:
        grid(tmp_path, f"parameters: {parameters}\n")
    assert said in str(wrong.value)


def test_a_grid_that_nobody_can_try_is_refused(tmp_path: Path) -> None:
    shares = "".join(
        f"  barred.{service}: {{from: 0, to: 1, steps: 200}}\n"
        for service in ("anonymous", "all_incoming", "all_outgoing")
    )
    with pytest.raises(FileErrors, match=r"at most 1,000,000 points, not 8,000,000"):
        grid(tmp_path, f"parameters:\n{shares}")

"""The wording of numbers of things, and of what has to be installed."""

from __future__ import annotations

import tomllib
from typing import get_args

from simulator.wording import Extra, install, takes
from tests.plays import ROOT


def test_something_that_needs_a_package_says_how_it_is_installed() -> None:
    assert takes("Parquet", "pyarrow", "data") == "Parquet takes pyarrow: pip install 'ringfence[data]'"


def test_every_part_that_can_be_installed_is_one_of_the_package() -> None:
    parts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {*get_args(Extra)} == parts.keys() - {"dev"}


def test_the_command_that_installs_a_part_is_worded_in_one_place() -> None:
    begin = install("data").partition("data")[0]
    wording = {path for path in (ROOT / "simulator").rglob("*.py") if begin in path.read_text(encoding="utf-8")}
    assert wording == {ROOT / "simulator" / "wording.py"}

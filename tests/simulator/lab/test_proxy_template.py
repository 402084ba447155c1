"""The template has loaded what every proxy needs, and is ready also where it can make no file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from proxy.numbers.dialling_codes import dialling_codes
from proxy.presets import preset
from simulator.lab import proxy_template


def test_what_a_config_needs_is_loaded_before_any_proxy_is_forked() -> None:
    preset.load.cache_clear()
    proxy_template.warm_up()
    assert preset.load.cache_info().currsize == len(preset.names())
    assert dialling_codes("CN")


def test_where_no_file_can_be_made_it_is_ready_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "there is none"))
    proxy_template.warm_up()

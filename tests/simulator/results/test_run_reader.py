"""Reading the folders of runs, whatever state they are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from simulator.results.run_reader import lines_of, manifest_of


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n{"a": 2}\n{"a":')
    assert list(lines_of(tmp_path / "x.jsonl")) == [{"a": 1}, {"a": 2}]


def test_what_is_no_json_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n{"a": }\n{"a": 2}\n')
    with pytest.raises(FileErrors, match=r'x\.jsonl:2:7: found {"a": }, expected JSON'):
        list(lines_of(tmp_path / "x.jsonl"))
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(FileErrors, match=r"manifest\.json:1:2: found the end, expected JSON"):
        manifest_of(tmp_path)

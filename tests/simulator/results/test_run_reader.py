"""Reading the folders of runs, whatever state they are in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from simulator.results.run_reader import addresses, find_call, lines_of, manifest_of, metrics_of

LOAD = {"lowest": 1.0, "highest": 1.0, "ramp": 1.0, "hold": 1.0, "p99": 0.1, "failures": 0.001, "processes": 1}


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


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"state": "running"}, "this run has not come to its end, and no call was judged; see messages.bin"),
        ({"state": "finished", "load": LOAD}, "it is a load, of which calls are counted, and none is kept"),
        ({"state": "finished"}, "it has no calls"),
    ],
)
def test_where_there_are_no_calls_it_is_told_why(tmp_path: Path, manifest: dict[str, object], why: str) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(FileErrors, match=why):
        find_call(tmp_path, "daughter")


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (b'{"a": "\xff"}\n', "x.jsonl:2:8: found byte 0xff, expected UTF-8 text"),
        (b"[" * 100_000 + b"\n", "x.jsonl:2:1: found [[[[[[[[[["),
    ],
)
def test_a_line_that_is_no_text_or_too_deep_is_told_with_its_place(tmp_path: Path, line: bytes, place: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(b'{"a": 1}\n' + line + b'{"a": 2}\n')
    with pytest.raises(FileErrors) as told:
        list(lines_of(tmp_path / "x.jsonl"))
    assert place in str(told.value)


def test_a_last_line_that_was_cut_off_amid_a_character_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes('{"a": 1}\n{"a": "é'.encode()[:-1])
    assert list(lines_of(tmp_path / "x.jsonl")) == [{"a": 1}]


@pytest.mark.parametrize("figure", ['"0.5"', "NaN", "null", "true"])
def test_a_figure_that_is_no_number_is_told_with_its_place(tmp_path: Path, figure: str) -> None:
    (tmp_path / "metrics.json").write_text(f'{{"calls": 3, "scam_recall": {figure}}}')
    with pytest.raises(FileErrors, match=r"metrics\.json:1:29: found "):
        metrics_of(tmp_path)


@pytest.mark.parametrize("config", ["x", "[", "softswitch: [", "listen: 3", "listen: []", b"\xff"])
def test_a_config_that_somebody_changed_is_told(tmp_path: Path, config: str | bytes) -> None:
    (tmp_path / "proxy.yaml").write_bytes(config if isinstance(config, bytes) else config.encode())
    with pytest.raises(FileErrors, match=r"proxy\.yaml: this is no config of a proxy"):
        addresses(tmp_path)


def test_of_a_file_with_thousands_of_mistakes_the_first_are_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"state": "finished", "command": [1] * 4000}))
    with pytest.raises(FileErrors) as told:
        manifest_of(tmp_path)
    lines = str(told.value).splitlines()
    assert len(lines) == 20
    assert lines[1].endswith("manifest.json:1:38: found command.1: 1, expected a valid string")

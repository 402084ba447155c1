"""The table of a run's calls, and the examples of scenarios/README.md that read it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from simulator.cli.commands import main
from simulator.lab.proxy_forks import ProxyForks
from simulator.results import parquet
from simulator.results.parquet import COLUMNS, write_parquet

README = Path(__file__).parents[3] / "scenarios" / "README.md"
SCENARIO = """\
scenario: small
home: CN
preset: cn
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}, allow: ["+6591234567"]}
calls:
  - {call: daughter, trunk: international, from: "+6591234567", to: alice, truth: legit}
  - {call: scam, trunk: international, from: "+23224141026", to: alice, truth: scam}
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, forks: ProxyForks | None) -> Path:
    """A folder with a run in it."""
    folder = tmp_path_factory.mktemp("played")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("small.yaml").write_text(SCENARIO)
        assert main(["run", "small.yaml", "--parquet"], forks) == 0
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, played: Path) -> Path:
    """The folder of a run, to read and to change."""
    copytree(played, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs" / "latest"


def rows(path: Path) -> list[dict[str, Any]]:
    parquet = pytest.importorskip("pyarrow.parquet")
    found: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return found


def test_a_row_tells_of_a_call_with_its_number_as_text_and_its_moment_in_utc(run: Path) -> None:
    daughter, scam = rows(run / "calls.parquet")
    assert list(daughter) == [name for name, _, _ in COLUMNS]
    assert (daughter["caller"], daughter["outcome"], daughter["rule"]) == ("+6591234567", "passed", "subscriber.allow")
    assert (scam["caller"], scam["outcome"], scam["status"], scam["phone_invites"]) == (
        "+23224141026",
        "blocked",
        603,
        0,
    )
    assert daughter["added_setup_delay"] == daughter["setup_delay"] - daughter["direct_setup_delay"]
    assert scam["added_setup_delay"] is None
    sent = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines() if "call_placed" in line]
    assert abs(daughter["sent"].timestamp() - _epoch(sent[0]["timestamp"])) < 1.0
    assert str(daughter["sent"].tzinfo) == "UTC"


def _epoch(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_a_table_is_written_of_any_run_afterwards_and_says_what_its_columns_mean(run: Path, tmp_path: Path) -> None:
    assert main(["report", "runs/latest", "--parquet", "later.parquet"]) == 0
    assert rows(tmp_path / "later.parquet") == rows(run / "calls.parquet")
    schema = pytest.importorskip("pyarrow.parquet").read_schema(tmp_path / "later.parquet")
    assert schema.field("caller").metadata[b"description"] == b"number or name that the caller showed"


def test_memory_does_not_grow_with_the_run_as_rows_are_written_in_groups(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_ROWS", 100)
    calls = run / "calls.jsonl"
    calls.write_text(calls.read_text() * 120)
    assert write_parquet(run, tmp_path / "big.parquet") == 240
    file = pytest.importorskip("pyarrow.parquet").ParquetFile(tmp_path / "big.parquet")
    assert file.metadata.num_row_groups == 3


def _examples() -> list[str]:
    section = README.read_text(encoding="utf-8").partition("**Tables.**")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


@pytest.mark.parametrize("example", _examples(), ids=lambda text: text.split()[1])
def test_the_examples_of_the_readme_run(example: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(example, str(README), "exec"), {})  # noqa: S102 - our own README
    assert "+23224141026" in capsys.readouterr().out

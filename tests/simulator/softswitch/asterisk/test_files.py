"""Asterisk's own records of its calls, as the run folder has them."""

from __future__ import annotations

import json
from pathlib import Path

from simulator.softswitch.asterisk.files import gather_records

ANSWERED = "one,+861,+862,2026-11-27 14:07:33,2026-11-27 14:07:34,2026-11-27 14:07:35,2.0,1.0,ANSWERED,Dial\n"
IN_VAIN = "two,+861,+862,2026-11-27 14:07:33,,2026-11-27 14:07:35,2.0,0.0,NO ANSWER,Dial\n"


def test_its_times_are_written_as_all_others_are(tmp_path: Path) -> None:
    (tmp_path / "cdr-custom").mkdir()
    (tmp_path / "cdr-custom" / "calls.csv").write_text(ANSWERED + IN_VAIN + "torn,+861\n")
    gather_records(tmp_path, tmp_path / "switch-calls.jsonl")
    first, second, torn = map(json.loads, (tmp_path / "switch-calls.jsonl").read_text().splitlines())
    moments = [first[name] for name in ("started", "answered", "ended")]
    assert moments == [f"2026-11-27T14:07:{second}Z" for second in (33, 34, 35)]
    assert (second["answered"], second["ended"]) == ("", "2026-11-27T14:07:35Z")
    assert torn == {"call_id": "torn", "caller": "+861"}

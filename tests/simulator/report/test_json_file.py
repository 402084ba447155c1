"""The result in JSON."""

from __future__ import annotations

import json

from simulator.report import json_file
from tests.plays.played import GOOD, WRONG


def test_the_json_result_holds_every_scenario_and_the_total() -> None:
    document = json.loads(json.dumps(json_file.document([GOOD, WRONG])))
    assert document["exit_code"] == 1
    good, wrong = document["scenarios"]
    assert (good["name"], good["exit_code"], good["valid"]) == ("wangiri", 0, True)
    assert good["confusion"]["scam_recall"]["value"] == 1.0
    assert good["latency"]["added_setup_delay"]["p50"] == 0.25
    assert good["thresholds"] == [{"figure": "added_setup_delay", "asked": "p99 < 1s", "met": True, "value": 0.25}]
    assert wrong["wrong"][0]["why"] == "action reject instead of allow"
    assert wrong["thresholds"] == [{"figure": "added_setup_delay", "asked": "p99 < 1s", "met": False}]
    assert "scam_recall" not in wrong["confusion"]
    assert document["total"]["confusion"]["legit_blocked"] == 1

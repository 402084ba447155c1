"""Calls on a stage that are sent aside: to a mailbox, and to a honeypot, which record who calls."""

from __future__ import annotations

import io
import wave

import numpy as np

from tests.plays import ROOT
from tests.plays.proxy_process import eventually
from tests.plays.stage import StagePlay

SCENARIO = ROOT / "scenarios" / "labels-and-detours.yaml"
CALLS = {
    "voicemail": {"from": "+12025550143", "to": "carol", "truth": "scam", "talk": "500ms"},
    "honeypot": {"from": "+232245550101", "to": "alice", "truth": "scam", "talk": "500ms"},
}


def placed(stage: StagePlay) -> dict[str, str]:
    """Place a call that goes to each, at the same time; the identifiers by service."""
    return {service: stage.post("/api/call", **keys)["id"] for service, keys in CALLS.items()}


def recorded(stage: StagePlay, service: str, call: str) -> None:
    """Of a call that goes there what was recorded can be heard, and what its caller heard."""
    over = stage.ended(call)
    assert (over["action"], over["service"].split("*")[1], over["outcome"]) == ("divert", service, "blocked")

    def heard() -> dict[str, str]:
        events = stage.get(f"/api/calls/{call}")["events"]
        return {each["who"]: each["url"] for each in events if each["event"] == "heard"}

    eventually(lambda: {service, "caller"} <= set(heard()))
    assert set(heard()) == {service, "caller"}  # no phone heard anything
    for who, url in heard().items():
        status, headers, body = stage.ask("GET", url)
        assert (status, headers["content-type"]) == (200, "audio/wav"), who
        with wave.open(io.BytesIO(body)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert samples.size > 2 * 8000, who
        assert abs(samples).max() > 1000, who

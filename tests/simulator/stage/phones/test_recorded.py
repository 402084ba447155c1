"""Recordings of calls: told of once, served by name and by nothing else, and few."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.stage.phones import recorded
from simulator.stage.phones.recorded import Recordings


def heard(path: Path, seconds: int = 1) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(44 + 16000 * seconds))


def test_who_heard_something_is_told_once(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    heard(recordings.path("caller", "call-1"))
    heard(tmp_path / "recordings" / "voicemail-call-1.wav")
    heard(recordings.path("phone", "call-1"), 0)
    assert list(recordings.found("call-1")) == [
        ("caller", "caller-call-1.wav"),
        ("voicemail", "voicemail-call-1.wav"),
    ]
    assert list(recordings.found("call-1")) == []
    assert list(recordings.found("call-2")) == []


@pytest.mark.parametrize(
    "name",
    ["../proxy.yaml", "caller-..", "proxy.yaml", "caller-a/b.wav", "caller-.wav", "nobody-call-1.wav", "caller-x.wav"],
)
def test_nothing_but_recordings_is_served(tmp_path: Path, name: str) -> None:
    (tmp_path / "proxy.yaml").write_text("secret")
    recordings = Recordings(tmp_path)
    heard(recordings.path("caller", "call-1"))
    assert recordings.file("caller-call-1.wav") == tmp_path / "recordings" / "caller-call-1.wav"
    assert recordings.file(name) is None


def test_recordings_of_calls_long_ago_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "_KEPT", 2)
    recordings = Recordings(tmp_path)
    for number in range(4):
        heard(recordings.path("caller", f"call-{number}"))
    assert sorted(path.name for path in (tmp_path / "recordings").iterdir()) == [
        "caller-call-2.wav",
        "caller-call-3.wav",
    ]

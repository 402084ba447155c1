"""Lessons on a stage that stands, played to their end as a page does it."""

from __future__ import annotations

from typing import Any

from simulator.scenario.lesson import load_lesson
from simulator.stage.state import Part, State
from tests.plays import ROOT
from tests.plays.stage import StagePlay

LESSONS = [load_lesson(path).name for path in sorted((ROOT / "scenarios" / "lessons").glob("*.yaml"))]


def lesson_of(stage: StagePlay) -> dict[str, Any]:
    """The lesson under way."""
    lesson: dict[str, Any] = stage.get("/api/state")["lesson"]
    return lesson


def settled(stage: StagePlay, place: int) -> Part:
    """The step once nothing of it is left to be seen."""

    def found(state: State) -> Part | None:
        step: Part | None = state.lesson and state.lesson["steps"][place]
        return step if step and step["result"] not in ("waits", "runs") else None

    step = stage.until(found)
    assert step is not None
    return step


def play_to_the_end(stage: StagePlay, name: str) -> None:
    """Play a lesson; each of its steps is seen as it should be."""
    stage.post("/api/lesson", id=name, do="start")
    steps = lesson_of(stage)["steps"]
    for place in range(len(steps)):
        lesson = stage.stage.hub.state.lesson  # which pages get as it is
        assert lesson is not None
        assert lesson["step"] == place
        if lesson["steps"][place]["result"] == "waits":
            stage.post("/api/lesson", do="step")
        step = settled(stage, place)
        wanted = "said" if step["do"] is None else "done"
        assert (place, step["result"], [each["en"] for each in step["found"]]) == (place, wanted, [])
        stage.post("/api/lesson", do="step")
    finished = lesson_of(stage)
    assert finished["finished"]
    assert {step["state"] for step in finished["steps"]} == {"done"}
    stage.post("/api/lesson", do="step")
    assert lesson_of(stage) is None

"""A lesson under way, as pages draw it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.scenario.lesson import Deed, Lesson, Step
from simulator.scenario.lesson import Words as Said
from simulator.stage import lesson_words as words
from simulator.stage.events import Words
from simulator.stage.lessons import Outcome, Progress


def offered(lesson: Lesson) -> dict[str, Any]:
    """A lesson among those that can be begun."""
    return {
        "id": lesson.name,
        "title": _both(lesson.title),
        "about": _both(lesson.about),
        "remember": _both(lesson.remember),
        "minutes": lesson.minutes,
        "steps": len(lesson.steps),
    }


def under_way(progress: Progress, rules: Mapping[str, Words]) -> dict[str, Any]:
    """A lesson under way; `rules` are the names of rules that people know."""
    lesson = progress.lesson
    return {
        **offered(lesson),
        "step": progress.at,
        "finished": progress.finished,
        "steps": [_step(progress, place, rules) for place in range(len(lesson.steps))],
    }


def _step(progress: Progress, place: int, rules: Mapping[str, Words]) -> dict[str, Any]:
    step, outcome = progress.lesson.steps[place], progress.outcomes[place]
    now = place == progress.at and not progress.finished
    done = step.do
    return {
        "title": _both(step.step),
        "say": _both(step.say),
        "then": _both(step.then),
        "do": words.deed(done, rules) if done is not None else None,
        "check": words.check(step.see, rules),
        "state": _state(progress, place),
        "result": outcome.state,
        "call": outcome.call,
        "found": _found(step, outcome, rules),
        "button": _button(progress, outcome, step) if now else None,
        "control": _control(done) if now and done is not None else None,
    }


def _state(progress: Progress, place: int) -> str:
    result = progress.outcomes[place].state
    if place == progress.at and not progress.finished:
        return result if result == "failed" else "now"
    if result in ("done", "failed"):
        return result
    passed = place < progress.at or progress.finished
    return "done" if passed and result == "said" else "skipped" if passed else "next"


def _found(step: Step, outcome: Outcome, rules: Mapping[str, Words]) -> list[Words]:
    """All that was seen otherwise, in words."""
    if outcome.state == "waits" and outcome.strayed is not None and step.do is not None:
        request = step.do.request
        return [words.strayed(request, outcome.strayed)] if request is not None else []
    return [words.difference(each, rules) for each in outcome.differing]


def _button(progress: Progress, outcome: Outcome, step: Step) -> Words:
    """The words on the button that goes on."""
    if outcome.state == "waits" and step.do is not None:
        return words.button(step.do)
    if outcome.state == "runs":
        return words.BUTTONS["waits"]
    last = progress.at == len(progress.lesson.steps) - 1
    return words.BUTTONS["finish" if last else "next"]


def _control(deed: Deed) -> dict[str, str]:
    """The control of the stage by which the step can be done as well."""
    if deed.set_ is not None:
        return {"kind": "setting", "subscriber": deed.set_.subscriber, "setting": next(iter(deed.set_.settings))}
    if deed.rule is not None:
        return {"kind": "rule", "rule": deed.rule.name, "mode": deed.rule.mode}
    if deed.request is not None and not deed.request.by:
        return {"kind": "hand", "subscriber": deed.request.to}
    kind = deed.kind if deed.kind in ("allow", "apps") else "phone"
    return {"kind": kind, "subscriber": deed.subscriber}


def _both(said: Said | None) -> Words | None:
    return None if said is None else {"en": said.en, "zh": said.zh}

"""The progress of a lesson: steps that are done on the stage, and what was seen of each, by the stage's events. Pure.

    begin -> heard(event) ... -> go(next step) -> ...

Whoever does a step's deed, by the lesson's own button or by the stage's, the events tell of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from simulator.judging.lesson_checks import Difference, Seen, differences
from simulator.scenario.lesson import Deed, Lesson, PlacedCall, SentText, Step
from simulator.stage.events import Ended, Event, Judged, Phone, Placed, Rule, Settings, Text
from simulator.stage.masking import text_without_pin, without_pin
from simulator.stage.state import State

WAITS = 3.0  # seconds from the end of a call until its order must have been answered and carried out
# `said`: there is nothing to do. `waits` for the deed, and `runs` until all of it was seen.
Stage = Literal["said", "waits", "runs", "done", "failed"]


class Reported(NamedTuple):
    """A phone may have reported its apps, or no longer does (None); `warned` are those that its owner is warned of."""

    at: float
    subscriber: str
    apps: tuple[str, ...] | None
    warned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a step so far: `call` is the id of its call or text, `ended` when that was over (seconds since
    1970), `strayed` another one that was placed instead."""

    state: Stage
    seen: Seen = field(default_factory=Seen)
    call: str = ""
    ended: float | None = None
    differing: tuple[Difference, ...] = ()
    strayed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A lesson under way: `at` is the number of the step, from 0; `finished` once the last one was left."""

    lesson: Lesson
    outcomes: tuple[Outcome, ...]
    at: int = 0
    finished: bool = False

    @property
    def step(self) -> Step:
        """The step that it is at."""
        return self.lesson.steps[self.at]

    @property
    def outcome(self) -> Outcome:
        """The outcome of that step so far."""
        return self.outcomes[self.at]

    @property
    def settled(self) -> bool:
        """True where nothing is left to be done or seen in this step."""
        return self.outcome.state not in ("waits", "runs")


def begin(lesson: Lesson, state: State) -> Progress:
    """The lesson at its first step, on a stage in this state."""
    blank = tuple(Outcome("said" if step.do is None else "waits") for step in lesson.steps)
    return go(Progress(lesson, blank), 0, state)


def go(progress: Progress, at: int, state: State) -> Progress:
    """Go to another step; what there is to be seen of it already, such as settings, is looked up in the state. Beyond
    the last one the lesson is finished."""
    if at >= len(progress.lesson.steps):
        return replace(progress, finished=True)
    progress = replace(progress, at=max(0, at), finished=False)
    outcome = progress.outcome
    if outcome.state == "said" or progress.settled:
        return progress
    assert progress.step.do is not None  # noqa: S101 - or it were only said
    seen = _at_first(progress.step.do, state)
    outcome = replace(outcome, seen=seen)
    if progress.step.do.request is None and progress.step.do.apps is None:
        outcome = _checked(progress.step, outcome)
    return _with(progress, outcome)


def again(progress: Progress, state: State) -> Progress:
    """Do the step once more: forget what came of it."""
    if progress.step.do is None:
        return progress
    return go(_with(progress, Outcome("waits")), progress.at, state)


def heard(progress: Progress, event: Event | Reported) -> Progress:
    """The lesson after an event of the stage; it is the same object where that says nothing of its step."""
    if progress.finished or progress.step.do is None or progress.settled:
        return progress
    hear = _HEARD.get(type(event))
    outcome = hear(progress, event) if hear is not None else None
    if outcome is None:
        return progress
    return _with(progress, _checked(progress.step, outcome))


def waited(progress: Progress, now: float) -> Progress:
    """The lesson at a time (seconds since 1970): what has not been seen by then differs."""
    outcome = progress.outcome
    if progress.settled or outcome.ended is None or now < outcome.ended + WAITS:
        return progress
    return _with(progress, replace(outcome, state="failed", differing=_differing(progress.step, outcome)))


def fits(request: PlacedCall | SentText, placed: Mapping[str, Any], lesson: Lesson) -> bool:
    """True if a call or text that was placed is the one that a step asks for."""
    people = lesson.scenario.subscribers
    callers, callees = (
        {name, people[name].number} if name in people else {name} for name in (request.from_, request.to)
    )
    return (
        placed["from"] in callers
        and (placed["to"] in map(without_pin, callees) or placed.get("subscriber") == request.to)
        and placed["trunk"] == request.trunk
        and placed["method"] == request.method
        and (not isinstance(request, SentText) or _words(placed["body"]) == _words(text_without_pin(request.body)))
    )


def _words(text: str | None) -> list[str]:
    return (text or "").upper().split()


def _with(progress: Progress, outcome: Outcome) -> Progress:
    outcomes = (*progress.outcomes[: progress.at], outcome, *progress.outcomes[progress.at + 1 :])
    return replace(progress, outcomes=outcomes)


def _at_first(deed: Deed, state: State) -> Seen:
    """All that can be seen of a deed before it is done: the settings as they are."""
    seen = Seen()
    if deed.rule is not None:
        mode = next((each["mode"] for each in state.rules if each["name"] == deed.rule.name), "")
        return replace(seen, mode=mode)
    for each in state.subscribers:
        if each["name"] == deed.subscriber:
            return _with_settings(seen, each["settings"])
    return seen


def _with_settings(seen: Seen, settings: Mapping[str, Any]) -> Seen:
    switches = {**settings.get("barring", {}), "notify": settings.get("notify", False)}
    return replace(
        seen, settings=switches, allow=tuple(settings.get("allow", ())), block=tuple(settings.get("block", ()))
    )


def _differing(step: Step, outcome: Outcome) -> tuple[Difference, ...]:
    assert step.do is not None  # noqa: S101 - asked only of steps that do something
    return tuple(differences(step.do, step.see, outcome.seen))


def _checked(step: Step, outcome: Outcome) -> Outcome:
    """The outcome with what follows from all that was seen: done, if nothing differs any more; failed, where something
    differs for good."""
    assert step.do is not None  # noqa: S101
    if step.do.request is not None and not outcome.call:
        return outcome
    differing = _differing(step, outcome)
    if not differing:
        return replace(outcome, state="done", differing=())
    if step.do.request is None:
        return outcome
    if any(_is_final(each, outcome) for each in differing):
        return replace(outcome, state="failed", differing=differing)
    return replace(outcome, state="runs", differing=())


def _is_final(difference: Difference, outcome: Outcome) -> bool:
    """True where time does not mend it. A verdict stands, and a phone that rang has rung. All else is known when the
    call is over and was judged; but an order is answered and carried out a moment later."""
    if not outcome.seen.action:
        return False
    if difference.what in ("action", "rule") or (difference.what == "phone" and outcome.seen.phone != ""):
        return True
    return difference.what in ("status", "phone", "label") and outcome.ended is not None


# --- what is heard of a step

_Heard = Callable[[Progress, Any], Outcome | None]


def _placed(progress: Progress, event: Placed) -> Outcome | None:
    deed = progress.step.do
    request = deed.request if deed is not None else None
    if request is None or progress.outcome.call:
        return None
    if fits(request, event.call, progress.lesson):
        return replace(progress.outcome, state="runs", call=str(event.call["id"]), strayed=None)
    return replace(progress.outcome, strayed=event.call)


def _judged(progress: Progress, event: Judged) -> Outcome | None:
    outcome = progress.outcome
    if event.call != outcome.call or not outcome.call:
        return None
    seen = replace(outcome.seen, action=event.action, rule=event.rule, label=event.label or outcome.seen.label)
    return replace(outcome, seen=seen)


def _phone(progress: Progress, event: Phone) -> Outcome | None:
    outcome = progress.outcome
    if event.call != outcome.call or not outcome.call or event.state not in ("ringing", "talking"):
        return None
    request = progress.step.do.request if progress.step.do is not None else None
    if request is None or event.subscriber != request.to:
        return None
    seen = replace(outcome.seen, phone="rings", label=event.label or outcome.seen.label)
    return replace(outcome, seen=seen)


def _text(progress: Progress, event: Text) -> Outcome | None:
    outcome, deed = progress.outcome, progress.step.do
    if not outcome.call or deed is None:
        return None
    if event.call == outcome.call:
        return replace(outcome, seen=replace(outcome.seen, phone="receives"))
    if event.subscriber == deed.subscriber:
        return replace(outcome, seen=replace(outcome.seen, replies=(*outcome.seen.replies, event.body)))
    return None


def _ended(progress: Progress, event: Ended) -> Outcome | None:
    outcome = progress.outcome
    if event.call != outcome.call or not outcome.call:
        return None
    request = progress.step.do.request if progress.step.do is not None else None
    has_phone = request is not None and request.to in progress.lesson.scenario.subscribers
    phone = outcome.seen.phone or ("silent" if has_phone else "")
    return replace(outcome, seen=replace(outcome.seen, status=event.status, phone=phone), ended=event.at)


def _settings(progress: Progress, event: Settings) -> Outcome | None:
    deed = progress.step.do
    if deed is None or event.subscriber != deed.subscriber:
        return None
    return replace(progress.outcome, seen=_with_settings(progress.outcome.seen, event.settings))


def _rule(progress: Progress, event: Rule) -> Outcome | None:
    deed = progress.step.do
    if deed is None or deed.rule is None or event.rule != deed.rule.name:
        return None
    return replace(progress.outcome, seen=replace(progress.outcome.seen, mode=event.mode))


def _reported(progress: Progress, event: Reported) -> Outcome | None:
    deed = progress.step.do
    if deed is None or deed.apps is None or event.subscriber != deed.subscriber:
        return None
    seen = replace(progress.outcome.seen, reported=event.apps, warned=event.warned)
    return replace(progress.outcome, seen=seen)


_HEARD: Mapping[type, _Heard] = {
    Placed: _placed,
    Judged: _judged,
    Phone: _phone,
    Text: _text,
    Ended: _ended,
    Settings: _settings,
    Rule: _rule,
    Reported: _reported,
}

"""A session: scenarios played one after another, each into a folder of its own, with listeners that hear all of it.

    session = Session(Path("runs"), [print])
    results = await session.play(jobs)          # another task may call session.stop()

It prints nothing, reads no command line and touches no setting of the process: whoever plays for long collects garbage
between passes, as the command line does (see cli/playing.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from simulator.judging.result import Result
from simulator.play.jobs import Job, not_set_up
from simulator.play.runner import Runner, Settings
from simulator.results.events import RunListener
from simulator.wording import counted

ENDED = "a process of the lab ended while it was needed"


class Session:
    """Plays jobs into folders under `runs`; `listeners` hear of each event, in order, before the next one happens."""

    def __init__(self, runs: Path, listeners: Iterable[RunListener] = (), settings: Settings | None = None) -> None:
        self._runs = runs
        self._stopping = asyncio.Event()
        self._runner = Runner(runs, tuple(listeners), self._stopping, settings or Settings())

    def stop(self) -> None:
        """End the job under way early and in order, and leave out the rest."""
        self._stopping.set()

    async def play(self, jobs: Sequence[Job]) -> list[Result]:
        """Play the jobs in turn until one cannot be set up; its result says so, and what was left out.

        Raises OSError where not even the first one finds room for its files.
        """
        results: list[Result] = []
        for job in jobs:
            try:
                results.append(await self._runner.play(job))
            except OSError as error:  # there is no room for files, or something of the lab has ended
                if not results:
                    raise
                why = (
                    ENDED if isinstance(error, BrokenPipeError) else f"{error.filename or self._runs}: {error.strerror}"
                )
                results.append(not_set_up(job, why, self._runs))
            if self._stopping.is_set() or not results[-1].set_up:
                results[-1] = _last_of(results, jobs)
                break
        return results


def _last_of(results: Sequence[Result], jobs: Sequence[Job]) -> Result:
    """The result of the job that was the last, with a note of those that were to follow it."""
    left = [job.scenario.name for job in jobs[len(results) :]]
    note = (f"not begun: {counted(len(left), 'more scenario')} ({', '.join(left)})",) if left else ()
    return replace(results[-1], notes=(*results[-1].notes, *note))

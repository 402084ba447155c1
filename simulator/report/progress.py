"""The progress of a run: a bar on a terminal, a line for each part elsewhere; and of what only counts."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from simulator.results.events import Event, PassBegan, Tick
from simulator.wording import counted


class RunProgress:
    """A listener that shows each pass as it begins, and then how many of its calls have ended."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        if out.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=out,
                transient=True,
                auto_refresh=False,  # no thread beside the agents: drawn when there is news
            )

    def hear(self, event: Event) -> None:
        """Show what is new."""
        if isinstance(event, PassBegan):
            way = "" if event.proxied else ", straight to the softswitch"
            self._begin(event.scenario + way, event.calls)
        elif isinstance(event, Tick) and self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=event.ended, refresh=True)

    def _begin(self, what: str, calls: int) -> None:
        if self._bar is None:
            self._out.print(f"{what}: {counted(calls, 'call')}", markup=False)
            return
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(what, total=calls)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


class Steps:
    """Shows on a terminal how many of something are done; elsewhere nothing. `total` is None where nobody knows it."""

    def __init__(self, out: Console, what: str, total: int | None = None) -> None:
        self._bar = Progress(
            TextColumn(what),
            BarColumn(),
            TextColumn("{task.completed:,.0f}"),
            TimeElapsedColumn(),
            console=out,
            transient=True,
            disable=not out.is_terminal,
        )
        self._task = self._bar.add_task(what, total=total)

    def done(self, more: int) -> None:
        """So many more."""
        self._bar.advance(self._task, more)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

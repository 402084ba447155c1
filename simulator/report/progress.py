"""How far the run is: a bar on a terminal, a line for each part elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from simulator.wording import counted


class RunProgress:
    """Told of each part as it starts, and then of the calls that have ended."""

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

    def part(self, what: str, calls: int) -> None:
        """A pass of `calls` calls begins."""
        if self._bar is None:
            self._out.print(f"{what}: {counted(calls, 'call')}", markup=False)
            return
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(what, total=calls)

    def ended(self, calls: int) -> None:
        """So many calls of the part have ended."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=calls, refresh=True)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

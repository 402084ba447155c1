"""`ringfence run --pseudonymise`: the key, and the folders that runs have begun to fill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from simulator.judging.result import Result
from simulator.play.jobs import Job
from simulator.report.pseudonymised import masked, pseudonymise_folder, pseudonymise_result, pseudonyms_for
from simulator.results.events import Event, RunBegan

OPTION = "--pseudonymise"
_SHORTEST_KEY = 8  # characters


def key_of(said: str) -> str:
    """The key itself, or what is in the file that `@FILE` names. Raises click.BadParameter for none to speak of."""
    if said.startswith("@"):
        try:
            said = Path(said[1:]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"{said[1:]}: {getattr(error, 'strerror', None) or error}") from None
    if len(said) < _SHORTEST_KEY:
        raise click.BadParameter(f"found {len(said)} characters, expected a key of {_SHORTEST_KEY} or more")
    return said


class Pseudonymiser:
    """Follows runs, and puts pseudonyms into what they left once they are over."""

    hears = frozenset((RunBegan,))

    def __init__(self, key: str, jobs: Iterable[Job]) -> None:
        self._pseudonyms = pseudonyms_for(key, [(job.scenario, job.calls) for job in jobs])
        self._began: list[Path] = []
        self._renamed: dict[Path, Path] = {}

    def __call__(self, event: Event) -> None:
        """Hear of a run that begins."""
        if isinstance(event, RunBegan):
            self._began.append(event.folder)

    def finish(self) -> None:
        """Put pseudonyms into the folders of all runs that began. Raises OSError."""
        while self._began:
            folder = self._began.pop()
            self._renamed[folder] = pseudonymise_folder(folder, self._pseudonyms)

    def results(self, results: Iterable[Result]) -> list[Result]:
        """The results with pseudonyms, and with the folders as they are called now."""
        return [
            pseudonymise_result(each, self._renamed.get(each.folder, each.folder), self._pseudonyms) for each in results
        ]

    def command(self, command: Sequence[str]) -> tuple[str, ...]:
        """The command line as it may be told."""
        return tuple(self._pseudonyms.text(word) for word in masked(command, OPTION))

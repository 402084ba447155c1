"""`--pseudonymise` of runs and loads: the key, and the folders that these have begun to fill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from simulator.judging.compared import Compared
from simulator.judging.result import Result
from simulator.load.result import LoadResult
from simulator.report.pseudonymised import (
    Played,
    masked,
    pseudonymise_compared,
    pseudonymise_folder,
    pseudonymise_load,
    pseudonymise_result,
    pseudonyms_for,
)
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

    def __init__(self, key: str, played: Iterable[Played]) -> None:
        self._pseudonyms = pseudonyms_for(key, played)
        self._began: list[Path] = []
        self._renamed: dict[Path, Path] = {}

    def __call__(self, event: Event) -> None:
        """Hear of a run that begins."""
        if isinstance(event, RunBegan):
            self.begins(event.folder)

    def begins(self, folder: Path) -> None:
        """Something begins to fill this folder."""
        self._began.append(folder)

    def finish(self) -> list[str]:
        """Put pseudonyms into the folders of all runs that began; returns complaints of those that keep numbers."""
        failed = []
        while self._began:
            folder = self._began.pop()
            try:
                self._renamed[folder] = pseudonymise_folder(folder, self._pseudonyms)
            except OSError as error:
                failed.append(f"{folder} still has numbers, remove it: {error.strerror or error}")
        return failed

    def results(self, results: Iterable[Result]) -> list[Result]:
        """The results with pseudonyms, and with the folders as they are called now."""
        return [
            pseudonymise_result(each, self._renamed.get(each.folder, each.folder), self._pseudonyms) for each in results
        ]

    def load(self, result: LoadResult) -> LoadResult:
        """The result of a load with pseudonyms, and with its folder as it is called now."""
        return pseudonymise_load(result, self._renamed.get(result.folder, result.folder), self._pseudonyms)

    def compared(self, compared: Compared) -> Compared:
        """A comparison with pseudonyms, and with the folders of its runs as they are called now."""
        return pseudonymise_compared(compared, self._renamed, self._pseudonyms)

    def command(self, command: Sequence[str]) -> tuple[str, ...]:
        """The command line as it may be told."""
        return tuple(self._pseudonyms.text(word) for word in masked(command, OPTION))

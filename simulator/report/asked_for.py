"""The report files that a run is asked for: whether they can be written, told before the calls, and writing them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from proxy.files.yaml_file import FileErrors
from simulator.judging.result import Result
from simulator.report import json_file, junit
from simulator.report.html import page

_DOCUMENTS: Mapping[str, Callable[[Sequence[Result], Path], str]] = {
    "--json": lambda results, _: json.dumps(json_file.document(results), indent=2) + "\n",
    "--junit": lambda results, _: junit.document(results),
    "--html": lambda _, folder: page.document(folder),
}


def objections(reports: Mapping[str, Path], sources: Iterable[Path]) -> Iterator[str]:
    """The reasons why files of `reports` (by option) cannot be written, or would take another file's place."""
    taken = {source.resolve(): "the scenario" for source in sources}
    for option, path in reports.items():
        if path.is_dir():
            yield f"{path}: this is a folder; {option} takes the name of a file"
        elif not path.parent.is_dir():
            yield f"{path}: there is no folder {path.parent}; make it first"
        elif not os.access(path if path.exists() else path.parent, os.W_OK):
            yield f"{path}: it may not be written here"
        elif other := taken.get(path.resolve()):
            yield f"{path}: {option} would overwrite {other} of that name"
        taken[path.resolve()] = f"the file of {option}"


def write(reports: Mapping[str, Path], results: Sequence[Result], folder: Path) -> Iterator[str]:
    """Write each of them, of a run that left this folder; yields what went wrong with those that could not be written
    after all."""
    for option, path in reports.items():
        try:
            path.write_text(_DOCUMENTS[option](results, folder), encoding="utf-8")
        except OSError as error:
            yield f"{path}: not written: {error.strerror}"
        except FileErrors as errors:
            yield f"{path}: not written: {errors}"

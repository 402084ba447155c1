"""The log as JSON lines: fields, level and time, errors with where they happened, and what libraries log."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from proxy.observability.logger import line, log
from tests.plays import forked
from tests.plays.logged import capture_logs

LEVELS = """\
from types import SimpleNamespace
from proxy.observability import log as lines
from proxy.observability.logger import log
writer = lines.configure()
for event in ("usual", "wanted"):
    for each in (log.debug, log.info, log.warning, log.error):
        each(event, count=1)
    lines.set_level("debug", SimpleNamespace(wanted=False))
writer.close()
"""
LIBRARY = """\
import logging
from proxy.observability.log import configure
writer = configure()
library = logging.getLogger("a.library")
library.info("%d of these are too little to tell", 2)
library.warning("%s is late", "it")
library.log(35, "more than a warning")
try:
    1 / 0
except ZeroDivisionError:
    library.exception("its own fault")
writer.close()
"""


def written(program: str) -> list[Any]:
    """The lines of a process on stderr."""
    return [json.loads(each) for each in forked.run([sys.executable, "-c", program]).stderr.splitlines()]


def test_a_line_has_the_fields_the_level_and_the_time_in_this_order() -> None:
    found = json.loads(line("info", {"file": "a.csv", "event": "reloaded"}))
    assert list(found) == ["file", "event", "level", "timestamp"]
    assert (found["file"], found["event"], found["level"]) == ("a.csv", "reloaded", "info")


def test_what_json_has_no_word_for_is_shown_as_python_would() -> None:
    assert json.loads(line("info", {"event": "x", "file": Path("a"), "codes": {1}}))["codes"] == "{1}"


def test_lines_for_debugging_are_written_where_they_are_asked_for_and_others_always() -> None:
    found = [(each["event"], each["level"], each["count"]) for each in written(LEVELS)]
    others = ("info", "warning", "error")
    assert found == [("usual", each, 1) for each in others] + [("wanted", each, 1) for each in ("debug", *others)]


def test_an_error_of_the_program_is_told_with_where_it_happened() -> None:
    with capture_logs() as logs:
        try:
            raise LookupError("no such peer")
        except LookupError:
            log.exception("internal_error", peer="192.0.2.1")
    (entry,) = logs
    assert (entry["event"], entry["log_level"], entry["peer"]) == ("internal_error", "error", "192.0.2.1")
    found = json.loads(line("error", entry))
    assert found["exception"].startswith("Traceback (most recent call last):\n")
    assert found["exception"].endswith("LookupError: no such peer")
    assert list(found)[-1] == "exception"


def test_what_libraries_log_from_warnings_on_is_a_line_too() -> None:
    late, more, fault = written(LIBRARY)
    assert (late["event"], late["name"], late["detail"], late["level"]) == (
        "library",
        "a.library",
        "it is late",
        "warning",
    )
    assert (more["detail"], more["level"]) == ("more than a warning", "warning")
    assert (fault["detail"], fault["level"]) == ("its own fault", "error")
    assert fault["exception"].endswith("ZeroDivisionError: division by zero")

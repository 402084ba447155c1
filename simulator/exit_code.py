"""The exit codes of `ringfence`, and which of several is told."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of `ringfence`; a promise of the command line."""

    AS_EXPECTED = 0
    WRONG_VERDICT = 1
    USAGE = 2
    ENVIRONMENT = 3
    NOTHING_SELECTED = 5
    THRESHOLD_MISSED = 99
    INTERRUPTED = 130


# Where several apply, the first of these wins: the figures of an invalid run say nothing about verdicts. A scenario of
# which nothing could be played is no success, and spoils none.
_SEVERITY = (
    ExitCode.INTERRUPTED,
    ExitCode.ENVIRONMENT,
    ExitCode.WRONG_VERDICT,
    ExitCode.THRESHOLD_MISSED,
    ExitCode.AS_EXPECTED,
    ExitCode.NOTHING_SELECTED,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code that a run of several scenarios ends with."""
    return min(codes, key=_SEVERITY.index, default=ExitCode.AS_EXPECTED)

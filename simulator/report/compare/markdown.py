"""A comparison in Markdown, short enough for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.exit_code import ExitCode
from simulator.judging.compared import Compared
from simulator.judging.paired import by_size
from simulator.report.compare import words
from simulator.wording import counted

_MOST_KINDS = 20
_MOST_SCENARIOS = 5
_SIGNS = {
    ExitCode.AS_EXPECTED: "✅ Compared",
    ExitCode.THRESHOLD_MISSED: "❌ B differs from A more than it may",
    ExitCode.ENVIRONMENT: "⚠️ Invalid: do not use these figures",
    ExitCode.INTERRUPTED: "⚠️ Interrupted",
    ExitCode.NOTHING_SELECTED: "⚠️ No call could be compared",
}


def document(compared: Compared) -> str:
    """All of it."""
    return "\n".join(_lines(compared)) + "\n"


def _lines(compared: Compared) -> Iterator[str]:
    comparison = compared.comparison
    yield f"## Ringfence: {_SIGNS[compared.exit_code]}"
    yield ""
    yield f"- **A** {_code(compared.a)}"
    yield f"- **B** {_code(compared.b)}"
    named = ", ".join(f"{_text(name)} (seed {seed})" for name, seed in compared.scenarios[:_MOST_SCENARIOS])
    more = f" and {left} more" if (left := len(compared.scenarios) - _MOST_SCENARIOS) > 0 else ""
    yield f"- {counted(comparison.calls, 'call')} of {named}{more}: {words.changed(compared)}"
    for reason in compared.invalid_because:
        yield f"- **Invalid:** {_text(reason)}"
    for note in compared.notes:
        yield f"- {_text(note)}"
    if compared.held:
        yield from _table(
            ("Fails if", "Result", "Measured"),
            (
                (_code(held.condition.text), "❌ fails" if held.fails else "✅ fine", words.condition(held)[1])
                for held in compared.held
            ),
        )
    yield from _table(
        ("", "A", "B", "B − A, points (95 % interval)", "only A", "only B", "p (McNemar)"),
        (tuple(row) for row in words.rows(compared)),
    )
    if compared.delays:
        yield from _table(
            (f"Added set-up delay, {counted(len(compared.delays), 'pair')}", "B − A (95 % interval)"),
            ((name, words.milliseconds(each)) for name, each in compared.delay_differences.items()),
        )
    changes = list(by_size(comparison.changes))
    if changes:
        yield from _table(
            ("Effect", "Calls", "Kind", "Truth", "Verdict"),
            (
                (words.effect(how), f"{count:,}", _text(how.family), how.truth, _text(words.change(how)))
                for how, count in changes[:_MOST_KINDS]
            ),
        )
    if (left := len(changes) - _MOST_KINDS) > 0:
        yield ""
        yield f"And {counted(left, 'more kind')} of change."


def _table(headings: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def _text(text: str) -> str:
    """Plain text: nothing of it is Markdown, a mention or HTML."""
    for sign in "\\`*_{}[]<>#|@":
        text = text.replace(sign, f"\\{sign}" if sign != "@" else "@\u200b")
    return text.replace("\n", " ")

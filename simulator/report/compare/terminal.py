"""A comparison on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.exit_code import ExitCode
from simulator.judging.compared import Compared
from simulator.judging.paired import Cell, Changed, by_size, confusions_of
from simulator.report.compare import words
from simulator.wording import counted

_MOST_KINDS = 15
_MOST_CALLS = 5
_CLOSING = {
    ExitCode.AS_EXPECTED: ("B may take the place of A, as far as was asked.", "green"),
    ExitCode.THRESHOLD_MISSED: ("B differs from A more than it may.", "red"),
    ExitCode.ENVIRONMENT: ("INVALID: do not use these figures, a run went wrong.", "yellow"),
    ExitCode.INTERRUPTED: ("Interrupted: the figures hold only the calls that both judged.", "yellow"),
    ExitCode.NOTHING_SELECTED: ("No call could be compared.", "yellow"),
}
_EFFECTS = {"better": "green", "worse": "red"}


def summary(out: Console, compared: Compared) -> None:
    """Print what changed from A to B, for whom, and how sure that is."""
    comparison = compared.comparison
    out.print()
    out.print(Text("A  ", style="bold"), Text(compared.a), sep="")
    out.print(Text("B  ", style="bold"), Text(compared.b), sep="")
    out.print()
    out.print(
        Text(f"{counted(comparison.calls, 'call')}: ", style="bold"),
        f"{words.changed(compared)}",
        sep="",
    )
    if comparison.calls:
        out.print()
        _rates(out, compared)
        _delays(out, compared)
        _splits(out, compared)
        _changes(out, compared)
    for side, folder in compared.folders if len(compared.folders) == 2 else ():
        out.print(Text(f"run of {side}: {folder}", style="dim"), soft_wrap=True)
    for note in compared.notes:
        out.print(Text(f"note: {note}", style="dim"), soft_wrap=True)
    for reason in compared.invalid_because:
        out.print(Text(f"INVALID: {reason}", style="yellow"), soft_wrap=True)
    _conditions(out, compared)
    text, style = closing(compared)
    out.print()
    out.print(Text(text, style=f"bold {style}"), Text(f"(exit code {int(compared.exit_code)})"))


def closing(compared: Compared) -> tuple[str, str]:
    """The verdict in a sentence, and its colour."""
    if compared.exit_code is ExitCode.AS_EXPECTED and not compared.conditions:
        return "Compared; --fail-if says what may not change.", "green"
    return _CLOSING[compared.exit_code]


def _rates(out: Console, compared: Compared) -> None:
    table = _table("", ("A", "B", "B minus A, in\npercentage points", "only\nA", "only\nB", "p"))
    for row in words.rows(compared):
        table.add_row(row.name, row.a, row.b, row.difference, row.only_a, row.only_b, row.p)
    out.print(table)
    out.print(
        "In brackets: the 95 % interval of the paired difference (Newcombe). only: calls of which just one of\n"
        "the two did so. p: how likely so uneven a split is by chance (McNemar's exact test).",
        style="dim",
    )


def _delays(out: Console, compared: Compared) -> None:
    if compared.delays is None:
        return
    out.print()
    if not compared.delays:
        out.print("Time: no call was let through by both and timed, so the difference in delay was not measured.")
        return
    out.print(Text("Added set-up delay, B minus A", style="bold"), f"({counted(len(compared.delays), 'pair')})")
    table = _table("", ("difference",))
    for name, difference in compared.delay_differences.items():
        table.add_row(name, words.milliseconds(difference))
    out.print(table)
    out.print("In brackets: the 95 % interval (paired bootstrap, fixed seed).", style="dim")


def _splits(out: Console, compared: Compared) -> None:
    comparison = compared.comparison
    for title, parts in (
        ("By kind of call", comparison.split(lambda cell: cell.family)),
        ("By profile of the callee", comparison.split(lambda cell: cell.segment)),
    ):
        differing = {name: cells for name, cells in parts.items() if any(cell.a != cell.b for cell in cells)}
        if not differing:
            continue
        out.print()
        table = _table(
            title, ("Scam\nstopped A", "B", "Legit wrongly\nstopped A", "B", "only\nA stops", "only\nB stops")
        )
        for name, cells in differing.items():
            a, b = confusions_of(cells)
            table.add_row(
                Text(name),
                str(a.scam_blocked),
                str(b.scam_blocked),
                str(a.legit_blocked),
                str(b.legit_blocked),
                *(str(count) for count in _only(cells)),
            )
        out.print(table)


def _only(cells: Counter[Cell]) -> Iterator[int]:
    for first, second in (("blocked", "passed"), ("passed", "blocked")):
        yield sum(count for cell, count in cells.items() if (cell.a, cell.b) == (first, second))


def _changes(out: Console, compared: Compared) -> None:
    changes = list(by_size(compared.comparison.changes))
    if not changes:
        return
    out.print()
    out.print(Text("What changed", style="bold"))
    for how, count in changes[:_MOST_KINDS]:
        kind, named = words.effect(how), f"{how.scenario}/" if len(compared.scenarios) > 1 else ""
        out.print(
            Text(f"  {kind}: ", style=_EFFECTS.get(kind, "dim")),
            Text(f"{counted(count, 'call')} of {named}{how.family} ({how.truth}): {words.change(how)}"),
            sep="",
            soft_wrap=True,
        )
    if (left := len(changes) - _MOST_KINDS) > 0:
        out.print(f"  and {counted(left, 'more kind')} of change (--json, --html)", style="dim")
    for each in one_of_each(compared)[:_MOST_CALLS]:
        out.print()
        for line in traces(each):
            out.print(line, markup=False, soft_wrap=True)


def by_effect(compared: Compared) -> list[Changed]:
    """The examples, those whose outcome changed first."""
    return sorted(compared.comparison.examples, key=lambda each: each.a.outcome == each.b.outcome)


def one_of_each(compared: Compared) -> list[Changed]:
    """An example of each kind of change, those of the outcome first."""
    first: dict[object, Changed] = {}
    for each in by_effect(compared):
        first.setdefault((each.scenario, each.family, each.a.verdict, each.b.verdict), each)
    return list(first.values())


def traces(changed: Changed) -> Iterator[str]:
    """One call, with what rules had to say of it under A and under B beside the one that decided."""
    yield f"{changed.id} from {changed.caller} to {changed.callee} on {changed.trunk} ({changed.truth})"
    for name, judged in (("A", changed.a), ("B", changed.b)):
        yield f"  {name}  {words.verdict(judged)}: {judged.detail}"
        other = set(changed.b.trace if name == "A" else changed.a.trace)
        for rule, mode, outcome, detail in judged.trace:
            if outcome != "no_match" and rule != judged.rule and (rule, mode, outcome, detail) not in other:
                yield f"       {rule} ({mode}) {outcome}: {detail}"


def _conditions(out: Console, compared: Compared) -> None:
    if not compared.held:
        return
    out.print()
    for held in compared.held:
        word, measured = words.condition(held)
        out.print(
            Text(f"{word}: ", style="red" if held.fails else "green"),
            Text(f"{held.condition.text}: {measured}"),
            sep="",
            soft_wrap=True,
        )


def _table(first: str, headings: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(first, overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right")
    return table

"""The page itself: `write(RUN, FILE)` makes one HTML file, which holds all that it shows and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from proxy.files.yaml_file import FileError, FileErrors
from simulator.exit_code import ExitCode
from simulator.judging.failure_kinds import kind_of
from simulator.judging.result import as_expected
from simulator.report.html import charts, curves, figures, table
from simulator.report.html.distributions import distribution
from simulator.report.html.panels import MOST, panels
from simulator.report.html.reading import Calls, Played, Run, read_run
from simulator.report.html.svg import Markup
from simulator.wording import counted

_VERDICTS = {
    ExitCode.AS_EXPECTED: ("good", "✓", "As expected", "Every call was judged as expected."),
    ExitCode.WRONG_VERDICT: ("bad", "✕", "Wrong verdict", "Some calls were judged wrongly."),
    ExitCode.ENVIRONMENT: ("void", "!", "Invalid", "Do not use these figures: the run went wrong."),
    ExitCode.THRESHOLD_MISSED: (
        "bad",
        "✕",
        "Threshold missed",
        "No call went against its own expect, but a threshold was missed.",
    ),
    ExitCode.INTERRUPTED: (
        "void",
        "!",
        "Interrupted",
        "The figures hold only the calls that were played to their end.",
    ),
    ExitCode.NOTHING_SELECTED: ("void", "!", "Not played", "No call could be played, so nothing was judged."),
}
_UNFINISHED = ("void", "!", "Not finished", "The run has not ended, or was cut off: there are no figures.")
_SHOWN_KINDS = 50
_MOST = 14 << 20  # bytes of a page, of which tables and charts take some:
_FRAME = 1 << 20
_LADDERS = 8 << 20  # bytes of ladders and sound


@dataclass(frozen=True, slots=True)
class Kind:
    """Calls that failed alike: how many, why, and the row of one of them."""

    scenario: str
    name: str
    why: str
    did: str
    count: int
    row: int
    example: str


def write(folder: Path, target: Path, picked: Collection[str] = ()) -> None:
    """Make the page of a run's folder, with the ladders of `picked` calls too. Raises FileErrors, OSError."""
    target.write_text(document(folder, picked), encoding="utf-8")


def document(folder: Path, picked: Collection[str] = ()) -> str:
    """The text of the page. Raises FileErrors, OSError."""
    run = read_run(folder)
    if missing := set(picked) - set(run.calls.ids):
        found = ", ".join(f'"{name}"' for name in sorted(missing))
        raise FileErrors([FileError.whole(folder, f"found no call {found}, expected calls of this run")])
    text = "".join(_parts(run, picked))
    return text.encode("utf-8", "backslashreplace").decode()  # halves of characters can be in JSON, and in no file


def _parts(run: Run, picked: Collection[str]) -> Iterator[str]:
    resources = files(__package__)
    script = resources.joinpath("page.js").read_text(encoding="utf-8")
    bare = len(table.document(run.calls, ())) + _FRAME
    shown = list(panels(run, picked, min(_LADDERS, _MOST - bare)))
    failed, kinds = sum(run.calls.failed), _kinds(run.calls)
    page: dict[str, Any] = {
        "run": run,
        "verdict": _verdict(run.manifest),
        "verdict_of": verdict_of,
        "figures": figures,
        "charts": charts,
        "curves": list(curves.shown(run.metrics)),
        "distribution": distribution,
        "because": _because(run),
        "problems": list(_problems(run)),
        "kinds": kinds[:_SHOWN_KINDS],
        "kinds_left": max(0, len(kinds) - _SHOWN_KINDS),
        "shares": list(figures.shares(run.metrics, _prevalence(run))),
        "thresholds": list(_thresholds(run)),
        "panels": shown,
        "left_out": failed - sum(run.calls.failed[panel.row] for panel in shown),
        "most": MOST,
        "data": Markup(table.document(run.calls, {panel.row for panel in shown})),
        "style": Markup(resources.joinpath("page.css").read_text(encoding="utf-8")),
        "script": Markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
    yield from rendered("page.html", page)


def rendered(template: str, page: Mapping[str, Any]) -> Iterator[str]:
    """The text of a page, made of one of the templates here."""
    yield from _environment().get_template(template).generate(page)


@cache  # to compile the templates takes longer than all else that a small page needs
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("simulator.report.html", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def still(template: str, page: Mapping[str, Any]) -> str:
    """The text of a page without a script, in the style of the others."""
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    text = "".join(rendered(template, {**page, "style": Markup(style)}))
    return text.encode("utf-8", "backslashreplace").decode()


def _verdict(manifest: Mapping[str, Any]) -> tuple[str, str, str, str]:
    if "exit_code" not in manifest:
        return _UNFINISHED
    verdict = _VERDICTS[ExitCode(manifest["exit_code"])]
    if manifest["exit_code"] == ExitCode.AS_EXPECTED:
        return (*verdict[:3], as_expected(manifest.get("left_out", ()), manifest.get("partial", False)))
    return verdict


def verdict_of(played: Played) -> tuple[str, str, str, str]:
    """The verdict on a scenario: its colour, sign, name, and what it means."""
    return _verdict(played.manifest)


def _because(run: Run) -> str:
    """The numbers of what failed."""
    calls = run.calls
    held = [check for played in run.scenarios for check in played.manifest.get("thresholds", ())]
    undecided = sum(check["undecided"] for check in held)
    numbers = {
        "call judged wrongly": calls.wrong,
        "call unclear": sum(outcome == "fault" for outcome in calls.words["outcome"]),
        "threshold missed": sum(not check["met"] for check in held) - undecided,
        "threshold undecided": undecided,
    }
    return ", ".join(counted(number, *_plural(words)) for words, number in numbers.items() if number)


def _plural(words: str) -> tuple[str, str]:
    one, _, rest = words.partition(" ")
    return words, f"{one}s {rest}"


def _problems(run: Run) -> Iterator[tuple[str, str]]:
    """The reasons why the figures cannot be used, and what is worth knowing."""
    for played in run.scenarios:
        prefix = f"{played.name}: " if len(run.scenarios) > 1 else ""
        manifest = played.manifest
        if reason := manifest.get("reason"):
            yield "void", f"{prefix}{reason}"
        for reason in manifest.get("invalid_because", ()):
            yield "void", f"{prefix}{reason}"
        if unfinished := manifest.get("unfinished"):
            yield "void", f"{prefix}{unfinished} planned calls were not played to their end"
        if left := manifest.get("thresholds_not_held"):
            yield "note", f"{prefix}a part of the scenario is held to no threshold; left out: {', '.join(left)}"
        for note in manifest.get("notes", ()):
            yield "note", f"{prefix}{note}"
    told, held = int(run.metrics.get("calls", 0)), len(run.calls)
    if told != held:
        yield "void", f"the figures are of {told:,} calls, calls.jsonl has {held:,}: do not use this report"
    elif differing := [name for name, count in run.calls.counts().items() if count != figures.cell(run.metrics, name)]:
        names = ", ".join(name.replace("_", " ") for name in differing)
        yield "void", f"the figures and calls.jsonl do not count the same ({names}): do not use this report"


def _kinds(calls: Calls) -> list[Kind]:
    """The ways in which calls failed, the most frequent first."""
    groups: dict[tuple[int | str, ...], list[int]] = {}
    columns = [calls.words[name].codes for name in ("scenario", "name", "action", "rule")]
    whys = calls.words["why"]
    kinds = [kind_of(why) for why in whys.values]
    for row in range(len(calls)):
        if calls.failed[row]:
            alike: tuple[int | str, ...] = (*(column[row] for column in columns), kinds[whys.codes[row]])
            groups.setdefault(alike, []).append(row)
    return [_kind(calls, rows) for rows in sorted(groups.values(), key=len, reverse=True)]


def _kind(calls: Calls, rows: Sequence[int]) -> Kind:
    first = rows[0]
    scenario, name, why, action, rule = (
        calls.words[each][first] for each in ("scenario", "name", "why", "action", "rule")
    )
    did = f"{action} by {rule}" if action else "no call record"
    return Kind(scenario, name, why, did, len(rows), first, calls.ids[first])


def _prevalence(run: Run) -> str:
    said = {played.manifest.get("prevalence") for played in run.scenarios}
    (only,) = said if len(said) == 1 else (None,)
    return "in real life" if only is None else f"where {only * 100:g} % of calls are scam"


@dataclass(frozen=True, slots=True)
class Held:
    """A threshold as the page shows it."""

    scenario: str
    asked: str
    value: str
    result: str
    kind: str
    sign: str
    picture: Markup | None


def _thresholds(run: Run) -> Iterator[Held]:
    for played in run.scenarios:
        by_name = {share.name: share for share in figures.shares(played.metrics)}
        for held in played.manifest.get("thresholds", ()):
            share = by_name.get(held["figure"])
            undecided = held["undecided"]
            kind, sign, result = (
                ("good", "✓", "met")
                if held["met"]
                else ("void", "?", "undecided")
                if undecided
                else ("bad", "✕", "missed")
            )
            yield Held(
                played.name,
                f"{held['figure']} {held['asked']}",
                _measured(held, share),
                result,
                kind,
                sign,
                charts.interval(share, held["limit"]) if share is not None else None,
            )


def _measured(held: Mapping[str, Any], share: figures.Share | None) -> str:
    if held["value"] is None:
        return "not measured"
    if share is None:
        return f"{held['value'] * 1e3:.3f} ms"
    return f"{share.shown} ({share.interval})"

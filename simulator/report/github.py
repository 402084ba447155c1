"""The run as GitHub Actions shows it: annotations at the lines of scenario files, and the summary of a step.

Workflow commands are lines of output (`::error file=F,line=N,title=T::TEXT`), in which the characters that would end
them are escaped. Markdown goes to the file that GITHUB_STEP_SUMMARY names; GitHub takes 1 MiB of it from a step.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from simulator.exit_code import ExitCode, worst
from simulator.judging.result import Result
from simulator.report.failures import Failure, failures, ladders
from simulator.report.terminal import closing, with_interval
from simulator.wording import counted

_ANNOTATIONS = 10  # errors that GitHub shows of a step
_LADDERS = 10
_ROOM = 1_000_000  # bytes of a summary; GitHub refuses more than 1,048,576
_ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = _ESCAPES | {":": "%3A", ",": "%2C"}
_MARKDOWN = {each: f"\\{each}" for each in "\\`*_[]<>|#~"} | {"\n": " ", "\r": " "}


def on_github(environment: Mapping[str, str]) -> bool:
    """True where a job of GitHub Actions runs the command."""
    return environment.get("GITHUB_ACTIONS") == "true"


def commands(results: Sequence[Result]) -> Iterator[str]:
    """Workflow commands that mark the lines whose expectations were not met; one says how many more there are."""
    found = [failure for result in results for failure in failures(result)]
    shown = found if len(found) <= _ANNOTATIONS else found[: _ANNOTATIONS - 1]
    for failure in shown:
        yield command(failure)
    if left := len(found) - len(shown):
        yield f"::error title=Ringfence::{counted(left, 'more failure')}: see the summary of this step"


def command(failure: Failure) -> str:
    """The workflow command for a failure."""
    where = f"file={_escaped(failure.file, _IN_PROPERTIES)},line={failure.line}"
    text = "\n".join((failure.why, *failure.details))
    return f"::error {where},title={_escaped(failure.title, _IN_PROPERTIES)}::{_escaped(text, _ESCAPES)}"


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(each, each) for each in text)


def append_summary(
    results: Sequence[Result], folder: Path, environment: Mapping[str, str] = os.environ
) -> Iterator[str]:
    """Append a summary to that of the step, where the environment names its file; yields what went wrong with that."""
    if not (name := environment.get("GITHUB_STEP_SUMMARY")):
        return
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(summary(results, folder))
    except OSError as error:
        yield f"{name}: not written: {error.strerror}"


def summary(results: Sequence[Result], folder: Path) -> str:
    """The run in Markdown: the verdict, a row a scenario, what failed and where, and ladders of failed calls."""
    code = worst(result.exit_code for result in results)
    sign = "✅" if code is ExitCode.AS_EXPECTED else "❌"
    lines = [
        f"## {sign} Ringfence: {closing(results)}",
        "",
        "| Scenario | Calls | Scam stopped | Legitimate wrongly stopped | Failures |",
        "|---|--:|--:|--:|--:|",
    ]
    found = {id(result): list(failures(result)) for result in results}
    for result in results:
        total = result.figures.accuracy.total
        rates = (total.scam_recall, total.false_block_rate)
        shown = (f"{rate.hits} of {rate.of}: {with_interval(rate)}" if rate else "" for rate in rates)
        lines.append(
            f"| {_plain(result.name)} | {total.calls} | {' | '.join(shown)} | {len(found[id(result)]) or ''} |"
        )
    lines.append("")
    drawn = 0
    for result in results:
        of_calls = [each.call for each in found[id(result)] if each.call][: _LADDERS - drawn]
        pictures = ladders(result, of_calls)
        drawn += len(pictures)
        for failure in found[id(result)]:
            lines.append(
                f"- **{_plain(failure.title)}** ({_plain(failure.file)}:{failure.line}): {_plain(failure.why)}"
            )
            lines += [f"  <br>{_plain(each)}" for each in failure.details]
            if picture := pictures.pop(failure.call, ""):
                lines += [
                    "",
                    f"  <details><summary>{_plain(failure.call)}</summary>",
                    "",
                    *_fenced(picture),
                    "",
                    "  </details>",
                    "",
                ]
    lines += ["", f"Files: {_plain(folder.as_posix())}, exit code {int(code)}", ""]
    return _cut("\n".join(lines))


def _plain(text: str) -> str:
    """Text in which nothing is Markdown or HTML."""
    return "".join(_MARKDOWN.get(each, each) for each in text)


def _fenced(picture: str) -> Iterator[str]:
    """A block of code, with a fence that is in none of its lines."""
    fence = "`" * 3
    while fence in picture:
        fence += "`"
    yield f"  {fence}text"
    yield from (f"  {line}" for line in picture.splitlines())
    yield f"  {fence}"


def _cut(text: str) -> str:
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= _ROOM:
        return data.decode()
    whole = data[:_ROOM].decode("utf-8", "ignore").rpartition("\n- ")[0]
    return f"{whole}\n\nand more, for which there is no room here\n"

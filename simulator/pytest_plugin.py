"""pytest plays scenarios: `pytest scenarios/` collects each scenario file as a test, and tests in Python get a lab.

A file is one item, or each of its calls with `--ringfence-each-call`; then what `-k` and the like leave is played
together, once, and each call is judged by itself. A failure shows the call, its ladder, and the line of the file that
expected something else. The fixtures `lab`, `proxy` and `phone` are described in scenarios/README.md.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from simulator.judging.observation import CallObservation
    from simulator.judging.result import Result
    from simulator.lab.proxy_forks import ProxyForks
    from simulator.play.jobs import Job
    from simulator.testing.background import Background
    from simulator.testing.proxies import Phone, RunningProxy
    from simulator.testing.testbed import Testbed

_SCENARIO = re.compile(rb"^(?:\xef\xbb\xbf)?scenario[ \t]*:", re.MULTILINE)  # behind a byte order mark as well
_SHOWN = 3  # failed calls of a scenario that are shown in full


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the group ringfence."""
    group = parser.getgroup("ringfence", "SIP scenarios")
    group.addoption("--ringfence-each-call", action="store_true", help="make each call of a scenario a test of its own")
    group.addoption("--ringfence-seed", type=int, metavar="N", help="plan the calls from this seed, not the scenarios'")
    group.addoption(
        "--ringfence-softswitch", choices=("embedded", "docker"), default="embedded", help="play on this softswitch"
    )
    group.addoption("--ringfence-runs", type=Path, default=Path("runs"), metavar="DIR", help="leave runs here [runs]")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the folders of runs, which hold copies of the scenarios that were played."""
    is_run = (collection_path / "manifest.json").exists() and (collection_path / "events.jsonl").exists()
    return True if is_run else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect YAML files that have a key `scenario`."""
    if file_path.suffix not in (".yaml", ".yml") or not _SCENARIO.search(file_path.read_bytes()):
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


class ScenarioFile(pytest.File):
    """A scenario file; what is selected of it is played once."""

    def collect(self) -> Iterable[pytest.Item]:
        """The scenario as one test, or each of its calls, and then its thresholds."""
        from proxy.files.yaml_file import FileErrors
        from simulator.play.jobs import jobs
        from simulator.scenario.model import check_lists, load_scenarios

        try:
            scenarios = load_scenarios([self.path])
            check_lists(scenario for scenario, _ in scenarios)
            self.jobs: list[Job] = list(jobs(scenarios, self.config.getoption("ringfence_seed")))
        except FileErrors as wrong:
            raise self.CollectError(str(wrong)) from None
        for job in self.jobs:
            if not self.config.getoption("ringfence_each_call"):
                yield ScenarioItem.from_parent(self, name=job.scenario.name, job=job)
                continue
            for call in job.calls:
                yield CallItem.from_parent(self, name=call.id, job=job)
            if job.scenario.thresholds:
                yield ThresholdsItem.from_parent(self, name="thresholds", job=job)

    @cached_property
    def lines(self) -> dict[str, int]:
        """The lines of what is expected of calls, by the name of the call or campaign; "" is the scenario's own."""
        from simulator.scenario.places import lines_of_calls

        return lines_of_calls(self.path)

    def played(self, job: Job) -> Result:
        """The result of the job, or of the calls of it that this session is to test; played at the first asking."""
        key = job.scenario.name
        results = self.stash.setdefault(_RESULTS, {})
        if key not in results:
            results[key] = _play(self._selected(job), self.config)
        return results[key]

    def _selected(self, job: Job) -> Job:
        from dataclasses import replace

        wanted = {item.name for item in self.session.items if isinstance(item, CallItem) and item.parent is self}
        calls = tuple(call for call in job.calls if call.id in wanted) if wanted else job.calls
        return replace(job, calls=calls, partial=job.partial or len(calls) < len(job.calls))


_RESULTS = pytest.StashKey[dict[str, "Result"]]()
_FORKS = pytest.StashKey["ProxyForks | None"]()


def _play(job: Job, config: pytest.Config) -> Result:
    from simulator.play.runner import Settings
    from simulator.play.session import Session

    command = ("pytest", *config.invocation_params.args)
    settings = Settings(config.getoption("ringfence_softswitch"), forks=_forks(config), command=command)
    (result,) = asyncio.run(Session(config.getoption("ringfence_runs"), (), settings).play([job]))
    return result


def _forks(config: pytest.Config) -> ProxyForks | None:
    """The process that the proxies of all scenarios are forked off, until pytest ends; started at the first asking."""
    from simulator.lab.proxy_forks import proxy_forks

    if _FORKS not in config.stash:
        until_the_end = ExitStack()
        config.stash[_FORKS] = until_the_end.enter_context(proxy_forks())
        config.add_cleanup(until_the_end.close)
    return config.stash[_FORKS]


class Failed(Exception):
    """Something is wrong; `lines` say what."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


class _Item(pytest.Item):
    """A test of a scenario file; `entry` is the name of the call or campaign that it is about, if it is about one."""

    parent: ScenarioFile
    entry = ""

    def __init__(self, *, job: Job, **more: Any) -> None:
        super().__init__(**more)
        self.job = job
        self.add_marker("ringfence")

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the file and line of what is expected."""
        return self.path, max(0, self.line - 1), f"{self.job.scenario.name}: {self.name}"

    @property
    def line(self) -> int:
        """The line of what is expected, from 1."""
        return self.parent.lines.get(self.entry, 1)

    def runtest(self) -> None:
        """Play what is selected, unless it was, and raise Failed for what is wrong."""
        result = self.parent.played(self.job)
        if not result.set_up or result.invalid_because:
            raise Failed([f"the run cannot be trusted: {why}" for why in result.invalid_because or result.problems])
        if lines := list(self.failures(result)):
            raise Failed([*lines, *(f"note: {note}" for note in result.notes)])

    def failures(self, result: Result) -> Iterator[str]:
        """Tell what is wrong, if anything is."""
        raise NotImplementedError

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what is wrong without a traceback through our own code."""
        if isinstance(excinfo.value, Failed):
            return "\n".join(excinfo.value.lines)
        return super().repr_failure(excinfo, style)

    def told(self, call: CallObservation, why: str, result: Result) -> Iterator[str]:
        """A failed call: where it was expected otherwise, what the proxy did and why, and its ladder."""
        from simulator.judging.failure_kinds import proxys_reason
        from simulator.report import ladder
        from simulator.results.run_reader import find_call

        yield f"{self.path}:{self.parent.lines.get(call.name, 1)}: {call.id}: {why}"
        yield f"  the proxy: {proxys_reason(call)}"
        yield ""
        yield from ladder.text(ladder.ladder_of(result.folder, find_call(result.folder, call.id)))
        yield ""


class ScenarioItem(_Item):
    """A scenario as one test."""

    def failures(self, result: Result) -> Iterator[str]:
        """Tell of the first failed calls, how many there are, and of missed thresholds."""
        for call, why in result.wrong[:_SHOWN]:
            yield from self.told(call, why, result)
        if (left := len(result.wrong) - _SHOWN) > 0:
            yield f"and {left} more; `ringfence report {result.folder} --call ID` tells of each"
        yield from _missed(self, result)


class CallItem(_Item):
    """A call of a scenario as a test."""

    @property
    def entry(self) -> str:  # type: ignore[override]
        """The name of its call or campaign."""
        return next(call.campaign for call in self.job.calls if call.id == self.name)

    def failures(self, result: Result) -> Iterator[str]:
        """Tell what is wrong with this call."""
        for call, why in result.wrong:
            if call.id == self.name:
                yield from self.told(call, why, result)


class ThresholdsItem(_Item):
    """The thresholds of a scenario as a test, which a part of its calls skips."""

    def failures(self, result: Result) -> Iterator[str]:
        """Tell of the thresholds that were missed."""
        if result.not_applied:
            pytest.skip("a part of the scenario is held to no threshold")
        yield from _missed(self, result)


def _missed(item: _Item, result: Result) -> Iterator[str]:
    line = item.parent.lines.get("[thresholds]", 1)
    for held in result.missed:
        yield f"{item.path}:{line}: threshold {'undecided' if held.undecided else 'missed'}: {held}"


@pytest.fixture(scope="session")
def ringfence_background() -> Iterator[Background]:
    """Run the event loop that labs, proxies and phones live in."""
    from simulator.testing.background import Background

    with Background() as background:
        yield background


@pytest.fixture
def lab(tmp_path: Path, ringfence_background: Background) -> Iterator[Callable[..., Testbed]]:
    """Bring labs up: `lab(preset="cn", subscribers={...})`; they come down after the test."""
    from simulator.testing.testbed import Testbed

    made: list[Testbed] = []

    def bring_up(**scenario: Any) -> Testbed:
        folder = tmp_path / f"lab-{len(made) + 1}"
        folder.mkdir()
        made.append(Testbed(folder, ringfence_background, **scenario))
        return made[-1]

    yield bring_up
    for each in made:
        each.close()


@pytest.fixture
def proxy(tmp_path: Path, ringfence_background: Background) -> Iterator[Callable[..., RunningProxy]]:
    """Start proxies: `proxy("proxy.yaml")`, or `proxy(listen=[...], softswitch=...)`; they stop after the test."""
    from simulator.testing.proxies import RunningProxy

    made: list[RunningProxy] = []

    def start(config: str | Path | None = None, **keys: Any) -> RunningProxy:
        folder = tmp_path / f"proxy-{len(made) + 1}"
        folder.mkdir()
        made.append(RunningProxy(ringfence_background, Path(config) if config is not None else keys, folder))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def phone(ringfence_background: Background) -> Iterator[Callable[..., Phone]]:
    """Open phones: `phone("+8613800138001", server=proxy.address)`; they close after the test."""
    from simulator.testing.proxies import Phone

    made: list[Phone] = []

    def open_one(number: str, server: tuple[str, int], **more: Any) -> Phone:
        made.append(Phone(ringfence_background, number, server, **more))
        return made[-1]

    yield open_one
    for each in made:
        each.close()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of all items that come from scenario files."""
    config.addinivalue_line("markers", "ringfence: a scenario file, or a call of one")

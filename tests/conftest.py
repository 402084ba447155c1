"""The tests run side by side (pytest-xdist): what belongs together goes to one worker, what takes long comes first, and
of that what waits beside what computes.

A test module is one piece of work; one of the contract is two, with a switch to start for each kind. Where tests wait
for peers, phones, loads or containers of their own, or for sound, each is a piece by itself.
"""

from __future__ import annotations

import gc
import marshal
import os
import re
import sys
from collections.abc import Generator
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from proxy.process.build import build
from tests.plays import lost_workers, reruns
from tests.plays.warm_workers import fork_workers

if TYPE_CHECKING:
    from execnet import XSpec
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling
    from xdist.workermanage import WorkerController

_DOCKER_WITHIN = 600  # seconds for a test with Docker: the first one builds the images
_SOUNDS = "test_contract_services.py"
_LONGEST = ("test_standing_lab.py", _SOUNDS)  # of those with Docker
_FIRST = ("docker", "phones", "peers", "browser")  # the markers of what takes longest; all but the last wait
_EACH_ALONE = (
    "tests/contract/test_asterisk_lifecycle.py",
    "tests/peers/",
    "tests/simulator/agents/pjsua/",
    "tests/simulator/cli/test_load.py",
    "tests/simulator/lab/test_real_phones.py",
)
# Calls in real time, and processes: of what has none of those markers these wait more than they compute.
_IN_REAL_TIME = (
    "tests/contract/",
    "tests/peers/",
    *(f"tests/simulator/{each}" for each in ("cli/", "lab/", "play/", "stage/", "test_")),
)
_SWITCH = re.compile(r"\[(embedded|docker)\b")

# The same examples on every machine, and as long as they take (`--hypothesis-profile=default` looks for new ones).
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
_read_constants = providers._get_local_constants


def _constants_of_ours() -> Any:
    """None for the same examples: Hypothesis mixes in constants of those of our modules that are imported, so that they
    would depend on what else runs, and each worker would read 500 sources for them."""
    return providers._local_constants if settings.get_current_profile_name() == "steady" else _read_constants()


setattr(providers, "_get_local_constants", _constants_of_ours)  # noqa: B010 - there is no public way to say so

# What is imported and collected stays: to look through it time after time would be a sixth of the collection's time.
gc.disable()
_WITHIN = pytest.StashKey[Any]()
_under_way: dict[str, Path] = {}  # "module": the one whose tests run


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest ones first, of those that are left to run, and give those that build images the time for it."""
    ranks = [(_rank(item), item) for item in items]
    for item in items:
        if item.get_closest_marker("docker") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_DOCKER_WITHIN))
    first = [item for rank, item in sorted(ranks, key=itemgetter(0)) if rank < 0]
    waiting = [item for rank, item in sorted(ranks, key=itemgetter(0)) if 0 <= rank < len(_FIRST) - 1]
    computing = [item for rank, item in ranks if rank == len(_FIRST) - 1]
    others = [item for rank, item in ranks if rank == len(_FIRST)]
    in_real_time = [item for item in others if item.nodeid.startswith(_IN_REAL_TIME)]
    at_once = [item for item in others if not item.nodeid.startswith(_IN_REAL_TIME)]
    items[:] = [*first, *_spread(computing, waiting), *_spread(at_once, in_real_time)]


def _spread(computing: list[pytest.Item], waiting: list[pytest.Item]) -> list[pytest.Item]:
    """Put the pieces of one list evenly among those of the other: a processor is then there for each."""
    places: list[tuple[float, pytest.Item]] = []
    for group in (waiting, computing):
        pieces = [_piece(item.nodeid) for item in group]
        order = {piece: at for at, piece in enumerate(dict.fromkeys(pieces))}
        places += [((order[piece] + 0.5) / len(order), item) for piece, item in zip(pieces, group, strict=True)]
    return [item for _, item in sorted(places, key=itemgetter(0))]


def _rank(item: pytest.Item) -> int:
    if item.path.name in _LONGEST and item.get_closest_marker("docker"):
        return _LONGEST.index(item.path.name) - len(_LONGEST)
    return next((rank for rank, each in enumerate(_FIRST) if item.get_closest_marker(each)), len(_FIRST))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        lost_workers.ask_once_lost(config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[XSpec]) -> None:
    """Fork workers off one process (see warm_workers.py), where processes are forked."""
    if sys.platform == "linux":
        counts = getattr(config, "failures_db", None)
        known = {"sock_port": counts.sock_port, "statusdb_token": counts.token} if counts else {}
        known |= {"workerid": "warm", "workercount": len(specs), "testrunuid": "", "mainargv": sys.argv}
        fork_workers(config, specs, known | {"controller": os.getpid()})


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    node.workerinput["controller"] = os.getpid()


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_handlecrashitem(crashitem: str, sched: LoadScopeScheduling) -> None:
    """Tell pytest-rerunfailures how often the test is run again, and the workers to ask."""
    if hasattr(sched.config, "failures_db"):
        sched.config.failures_db.set_test_reruns(crashitem, sched.config.option.reruns or 0)
        lost_workers.lost(os.getpid()).touch()


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    """Keep how long a test may take."""
    item.stash[_WITHIN] = settings


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give a test that is run again as long as before: pytest-timeout is done with it once it has failed, so that one
    that hangs twice would hang for ever."""
    if getattr(item, "execution_count", 1) > 1 and _WITHIN in item.stash:
        item.ihook.pytest_timeout_cancel_timer(item=item)
        item.ihook.pytest_timeout_set_timer(item=item, settings=item.stash[_WITHIN])


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(config: pytest.Config) -> Generator[None, dict[str, Any], dict[str, Any]]:
    """Pack what a worker reports into one string: execnet writes and reads each member by itself, in Python."""
    data = yield
    return {"packed": marshal.dumps(data)} if hasattr(config, "workerinput") else data


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> Generator[None, Any, Any]:
    """Unpack it in the controller."""
    if "packed" in data:
        data |= marshal.loads(data.pop("packed"))  # noqa: S302 - a worker of ours wrote it
    return (yield)


def pytest_sessionstart() -> None:
    """Refuse to test another build of the proxy than what is meant to be tested (RINGFENCE_BUILD: compiled or pure)."""
    if (meant := os.environ.get("RINGFENCE_BUILD", build())) != build():
        raise pytest.UsageError(f"the proxy's core that would be tested is {build()}, not {meant}")


def pytest_report_header() -> str:
    return f"proxy: {build()}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say of each test that was run again why: what passes the second time may be at fault all the same."""
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.write_line(reruns.told(report))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Collect garbage again, now that all is imported."""
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Leave what is kept for good, reports of tests before this module included, out of later garbage collections."""
    if _under_way.get("module") != item.path:
        _under_way["module"] = item.path
        gc.collect()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Collect garbage once: pytest does it five times at the end, each time through all that is left."""
    lost_workers.lost(os.getpid()).unlink(missing_ok=True)
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Hand out pieces of work. (xdist's own mark for it, xdist_group, does nothing with pytest 9.2: its issue 1386.)"""
    from xdist.scheduler import LoadScopeScheduling

    class Numbered(list[str]):
        """Tests, whose places are known: xdist asks for that of each one."""

        def __init__(self, tests: list[str]) -> None:
            super().__init__(tests)
            self._places = {test: place for place, test in enumerate(tests)}

        def index(self, test: str, *_: Any) -> int:
            return self._places[test]

    class Pieces(LoadScopeScheduling):  # type: ignore[misc]  # xdist says nothing of its types
        def _split_scope(self, nodeid: str) -> str:
            return _piece(nodeid)

        def add_node_collection(self, node: WorkerController, collection: list[str]) -> None:
            super().add_node_collection(node, collection)
            if node in self.registered_collections:
                self.registered_collections[node] = Numbered(collection)

        def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
            """Forget pieces that are done: all are gone through at each event of a worker."""
            super().mark_test_complete(node, item_index, duration)
            piece = _piece(self.registered_collections[node][item_index])
            if all(self.assigned_work[node][piece].values()):
                del self.assigned_work[node][piece]

    return Pieces(config, log)


def _piece(test: str) -> str:
    """The piece of work that a test is part of."""
    module = test.partition("::")[0]
    switch = _SWITCH.search(test) if module.startswith("tests/contract/") else None
    if test.startswith(_EACH_ALONE) or (module.endswith(_SOUNDS) and switch and switch[1] == "embedded"):
        return test
    return f"{module} {switch[1]}" if switch else module

"""The split of a call's CPU over the parts of the proxy, by samples of its stack (py-spy, native frames included).

Each sample counts for the innermost frame that is the proxy's own, so what a part has the interpreter and libraries do
is its own; the kernel's work for a socket is the socket's. Waiting counts for nothing. What mypyc compiled is told by
the names of its C functions, and counts as its module would. Sampling makes a call slower: only the shares say
anything.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from tests.bench import harness
from tests.bench.processes import THEIRS, on
from tests.bench.systems import System
from tests.plays import ROOT

_SAMPLES = 250  # a second: each stops the process for a moment
_FRAME = re.compile(r"(?P<name>.*) \((?P<file>[^()]*?)(?::\d+)?\)")
_COMPILED = re.compile(r"CPy(?:Def|Py)_(?P<module>\w+?)___")
_IDLE = re.compile(r"epoll_p?wait|futex|pthread_cond|sem_(?:timed|clock)?wait|poll|select|nanosleep|clone")
_SOCKET = re.compile(r"(?:__)?(?:libc_)?(?:send|recv)(?:to|from|m?msg)?")
# By the start of a module's path, the first that fits.
_PARTS = (
    ("timers", "proxy/sip/timers"),
    ("transactions", "proxy/sip/transaction"),
    ("codec", "proxy/sip/"),
    ("log", "proxy/observability/"),
    ("log", "proxy/core/call_record"),
    ("policy", "proxy/policy/"),
    ("policy", "proxy/numbers/"),
    ("policy", "proxy/reputation/"),
    ("policy", "proxy/subscribers/"),
    ("policy", "proxy/self_service/"),
    ("policy", "proxy/presets/"),
    ("policy", "proxy/core/screening"),
    ("loop", "proxy/transport/"),
    ("loop", "proxy/process/"),
    ("routing", "proxy/"),
)
PARTS = ("codec", "transactions", "policy", "routing", "sockets", "loop", "timers", "log", "other")


class Unavailable(Exception):
    """The process cannot be looked into."""


def split(system: System, rate: int, seconds: float) -> dict[str, float]:
    """The share of each of PARTS in the CPU of calls; raises Unavailable where nobody may look into a process."""
    with tempfile.TemporaryDirectory() as folder:
        stacks = Path(folder) / "stacks.txt"

        @contextlib.contextmanager
        def beside(pid: int) -> Iterator[None]:
            with _spying(pid, stacks):
                yield

        harness.play(system, rate, seconds, beside)
        return shares(stacks.read_text().splitlines())


@contextlib.contextmanager
def _spying(pid: int, stacks: Path) -> Iterator[None]:
    command = ["record", "--native", "--format", "raw", "--rate", str(_SAMPLES), "--output", str(stacks)]
    spy = subprocess.Popen(
        on(THEIRS, [str(Path(sys.executable).parent / "py-spy"), *command, "--pid", str(pid)]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield
    finally:
        spy.send_signal(signal.SIGINT)
        _, said = spy.communicate(timeout=60)
    if not stacks.exists():
        raise Unavailable(said.strip().splitlines()[-1] if said.strip() else "py-spy says nothing")


def shares(lines: Iterable[str]) -> dict[str, float]:
    """The share of each part, by stacks as py-spy writes them: `frame;frame;... count`, the innermost last."""
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if (part := _part_of(stack.split(";"))) is not None:
            counted[part] += int(count)
    total = counted.total()
    return {part: counted[part] / total for part in PARTS} if total else {}


def _part_of(frames: list[str]) -> str | None:
    """The part that a stack counts for; None if it waits."""
    innermost, _ = _frame(frames[-1])
    for frame in reversed(frames):
        name, file = _frame(frame)
        if _IDLE.match(name) or file.endswith("threading.py"):
            return None  # the log's thread takes no locks but to wait
        if _module(name, file) is not None:
            break
    if _SOCKET.fullmatch(innermost):
        return "sockets"
    for frame in reversed(frames):
        name, file = _frame(frame)
        if (module := _module(name, file)) is not None:
            return next(part for part, start in _PARTS if module.startswith(start))
        if "uvloop" in file or file in ("loop.c", "loop.pyx") or "asyncio" in file:
            return "loop"
    return "other"


def _frame(text: str) -> tuple[str, str]:
    found = _FRAME.fullmatch(text)
    return (found["name"], found["file"]) if found else (text, "")


def _module(name: str, file: str) -> str | None:
    """The module of the proxy's that a frame belongs to, as `proxy/sip/message`."""
    if (compiled := _COMPILED.match(name)) is not None:
        return _paths().get(compiled["module"])
    _, found, path = f"/{file}".rpartition("/proxy/")
    return f"proxy/{path.partition('.')[0]}" if found and file.endswith(".py") else None


@lru_cache(maxsize=1)
def _paths() -> dict[str, str]:
    """The path of each module by its name, which is all that a compiled function says."""
    return {path.stem: os.fspath(path.relative_to(ROOT).with_suffix("")) for path in (ROOT / "proxy").rglob("*.py")}


def shown(found: dict[str, float], cpu_per_call: float | None = None) -> str:
    """A line that tells shares in per cent and, where known, microseconds of the CPU that a call takes."""
    return ", ".join(
        f"{part} {share:.0%}" + (f" ({share * cpu_per_call:.0f} µs)" if cpu_per_call else "")
        for part, share in found.items()
        if share >= 0.005
    )

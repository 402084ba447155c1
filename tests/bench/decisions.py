"""`INTERPRETER tests/bench/decisions.py [ENTRIES SUBSCRIBERS CALLS]`: the speed of this interpreter's Ringfence.

A script of its own, since the compiled Ringfence is another interpreter's: it needs nothing of this folder. It loads a
scam list and subscribers, decides calls on numbers that hardly ever come twice, and prints figures as JSON: for each
kind of call the microseconds of one decision (understanding both numbers and asking the rules; of each call the
quickest round counts, since neighbours only ever add), then how many calls made of plain fields are decided in a second
of this process's CPU (the best round): in rounds of the same calls, whose numbers are remembered, and in rounds of new
ones. Of the data it gives the bytes that stay allocated once they are loaded: these
are the same each time, while the memory that a process resides in depends on what its allocator had at hand.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns, process_time
from typing import TypeVar

import numpy as np

import proxy.core.proxy_core as core
from proxy.core.plain_calls import PlainCall, decisions
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.trunks import Trunk
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.reputation.scam_list import ScamList
from proxy.sip.message import Request
from proxy.subscribers.directory import Directory

ROUNDS = 8
TRUNKS = {
    "international": Trunk("international", "international", trust_identity=True),
    "domestic": Trunk("domestic", "domestic", trust_identity=True),
    "phones": Trunk("phones", "access"),
}
NOON = 1_760_000_000.0  # epoch seconds
_chance = random.Random(20_26)
Drawn = tuple[str, str, str]  # caller, callee, trunk
_Made = TypeVar("_Made")


def main(entries: int = 10_000_000, subscribers: int = 1_000_000, calls: int = 10_000) -> dict[str, object]:
    """Load, measure, and return the figures."""
    numbers = np.random.default_rng(1).integers(10**10, 10**12, entries)
    prefix = np.arange(entries) % 1000 == 0
    numbers[prefix] //= 10**4
    listed = [int(number) for number in numbers[1:100_000] if number >= 10**10]
    scam_list, of_list = _weighed(partial(ScamList.of_columns, numbers, prefix, names=("wangiri",)))
    directory, of_directory = _weighed(lambda: Directory(map(made_subscriber, range(subscribers))))
    del numbers, prefix
    policy = Policy(build_snapshot("CN", preset.load("cn"), directory, scam_list))
    gc.collect()
    gc.freeze()  # as the proxy does once it has loaded
    gc.disable()
    kinds = _kinds(subscribers, listed)
    drawn = {kind: [draw() for _ in range(calls)] for kind, draw in kinds.items()}
    return {
        "core": core.__file__,
        "bytes_an_entry": of_list / entries,
        "bytes_a_subscriber": of_directory / subscribers,
        "microseconds": _one_by_one(policy, drawn),
        "a_second": {kind: _offline(policy, [drawn[kind]] * ROUNDS) for kind in OFFLINE},
        "a_second_new": {
            kind: _offline(policy, [[kinds[kind]() for _ in range(calls)] for _ in range(ROUNDS)]) for kind in OFFLINE
        },
    }


def _kinds(subscribers: int, listed: list[int]) -> dict[str, Callable[[], Drawn]]:
    """The way to draw a call of each kind, with every number anew: hardly one of them was understood before."""
    below = _chance.randrange

    def subscriber() -> str:
        return f"+861390{below(subscribers):07d}"

    return {
        "from abroad": lambda: (f"+{10**10 + below(10**12)}", subscriber(), "international"),
        "on the scam list": lambda: (f"+{_chance.choice(listed)}", subscriber(), "international"),
        "domestic": lambda: (f"+8613{below(10**9):09d}", subscriber(), "domestic"),
        "outgoing": lambda: (subscriber(), f"00{10**10 + below(10**12)}", "phones"),
        "spoofed, 0086": lambda: (f"0086{10**9 + below(10**10)}", subscriber(), "international"),
        "spoofed, national": lambda: (f"0{10**9 + below(10**10)}", subscriber()[3:], "international"),
        "shared code": lambda: (f"+1{10**9 + below(10**10)}", f"+44{10**9 + below(10**10)}", "international"),
        "malformed": lambda: (f"++{10**10 + below(10**12)}", subscriber(), "international"),
    }


OFFLINE = ("from abroad", "on the scam list")  # barring and lists decide these


def made_subscriber(number: int) -> Subscriber:
    """A subscriber at home in China, `+861390` and seven digits."""
    return Subscriber(
        f"+861390{number:07d}",
        user=f"user{number}",
        password=f"secret-{number}",
        pin=f"{number % 10_000:04d}",
        roaming=number % 50 == 0,
        barring=Barring(incoming_international=number % 3 == 0, outgoing_international=number % 7 == 0),
        allow=("+6591234567", "+44*") if number % 4 == 0 else (),
        block=("+1900*",) if number % 5 == 0 else (),
    )


def _one_by_one(policy: Policy, drawn: dict[str, list[Drawn]]) -> dict[str, dict[str, float]]:
    """All kinds by turns: a bad moment of the machine meets one round of each, not all rounds of one."""
    calls = {
        kind: [(_request(caller, callee), f"sip:{caller}@127.0.1.1", TRUNKS[trunk]) for caller, callee, trunk in those]
        for kind, those in drawn.items()
    }
    played: dict[str, list[list[float]]] = {kind: [] for kind in calls}
    for _ in range(ROUNDS):
        for kind, those in calls.items():
            played[kind].append(_round(policy, those))
    quickest = {kind: sorted(map(min, zip(*rounds, strict=True))) for kind, rounds in played.items()}
    return {
        kind: {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100]} for kind, times in quickest.items()
    }


def _round(policy: Policy, calls: list[tuple[Request, str, Trunk]]) -> list[float]:
    """Microseconds of each decision, without reading the headers."""
    numbering, decide, times = policy.snapshot.numbering, policy.decide, []
    understand = numbering.understand
    for request, caller, trunk in calls:
        started = perf_counter_ns()
        understand(caller)
        understand(request.uri)
        understood = perf_counter_ns()
        call = Call.from_request(request, trunk, numbering, NOON)
        read = perf_counter_ns()
        decide(call)
        times.append((understood - started + perf_counter_ns() - read) / 1e3)
    return times


def _offline(policy: Policy, rounds: list[list[Drawn]]) -> float:
    """Decisions on calls of plain fields in a second of CPU, in the best of some rounds."""
    best = 0.0
    for drawn in rounds:
        calls = [PlainCall(*fields, NOON) for fields in drawn]
        started = process_time()
        for _ in decisions(calls, policy, TRUNKS):
            pass
        best = max(best, len(calls) / (process_time() - started))
    return best


def _request(caller: str, callee: str) -> Request:
    return Request.build(
        "INVITE",
        f"sip:{callee}@127.0.0.1:5060;user=phone",
        [
            ("Via", "SIP/2.0/UDP 127.0.1.1:5060;branch=z9hG4bK1"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{caller}@127.0.1.1>;tag=1"),
            ("To", f"<sip:{callee}@127.0.0.1>"),
            ("P-Asserted-Identity", f"<sip:{caller}@127.0.1.1;user=phone>"),
            ("Call-ID", "1@127.0.1.1"),
            ("CSeq", "1 INVITE"),
        ],
    )


def _weighed(make: Callable[[], _Made]) -> tuple[_Made, int]:
    """The thing that was made, and the bytes that stay allocated for it: those of its arrays too (numpy tells)."""
    gc.collect()
    tracemalloc.start()
    made = make()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return made, held


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))

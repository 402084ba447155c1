"""Plays the same SIPp load through Ringfence, through Kamailio, or straight, and measures what a call costs.

One round: SIPp as the softswitch, the system under test, SIPp as the caller at a fixed rate for a fixed number of calls
(INVITE-180-200-ACK-BYE-200, no media). CPU is user + system time of every process of the system under test, from
/proc/PID/stat, over exactly the time in which calls were played: steady on a noisy machine where calls per second
are not. Where there are two processors or more, the system under test has one to itself and SIPp the others, lest they
push each other out of the caches by turns. Set-up delay is INVITE sent to 200 received, per call, by the time stamps
(microseconds) of the caller's SIPp (-trace_shortmsg; its -trace_rtt only has whole milliseconds). About 1.1 ms of it is
the switch's SIPp, which sends one message of a call a millisecond; ring delay, INVITE sent to 180 received, is free of
that.
"""

from __future__ import annotations

import contextlib
import csv
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.bench.processes import ITS_OWN, THEIRS, cpu_seconds, ended_children_cpu, on, resident_kib, running
from tests.bench.systems import CALLER_HOST, HERE, SWITCH_HOST, SYSTEM_HOST, System, write_entries


@dataclass(frozen=True, slots=True)
class Round:
    """The cost of one round of calls. Delays in milliseconds, CPU in microseconds a call."""

    system: str
    rate: int  # calls/s asked for
    achieved: float  # calls/s that the caller's SIPp really began
    calls: int
    failed: int
    retransmissions: int  # by either SIPp: each is a message that was lost or late
    cpu_per_call: float  # user + system
    system_per_call: float  # the kernel's part of it
    ring_p50: float  # INVITE sent to 180 received
    ring_p99: float
    setup_p50: float  # INVITE sent to 200 received
    setup_p99: float
    caller_cpu_per_call: float  # what the two SIPp processes cost, to see whether they are the limit
    switch_cpu_per_call: float
    resident_kib: int  # of all the system's processes at the end of the round
    longest_gap: float = 0.0  # in which the caller's SIPp got nothing at all

    @property
    def generator_lagged(self) -> bool:
        """The load was not the one asked for: the round says nothing."""
        return self.achieved < 0.95 * self.rate


def free_port(host: str) -> int:
    """A UDP port of `host` that nothing held a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def answers_options(host: str, port: int, patience: float = 15.0) -> None:
    """Wait until the SIP element at host:port answers an OPTIONS; raises TimeoutError."""
    deadline = time.monotonic() + patience
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((CALLER_HOST, 0))
        probe.settimeout(0.2)
        mine = f"{CALLER_HOST}:{probe.getsockname()[1]}"
        while time.monotonic() < deadline:
            request = (
                f"OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {mine};branch=z9hG4bK{time.monotonic_ns()}\r\n"
                f"From: <sip:probe@{mine}>;tag=1\r\nTo: <sip:{host}:{port}>\r\n"
                f"Call-ID: {time.monotonic_ns()}@{mine}\r\n"
                "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            with contextlib.suppress(OSError):
                probe.sendto(request.encode(), (host, port))
                if probe.recv(65535).startswith(b"SIP/2.0 200"):
                    return
    raise TimeoutError(f"no answer to OPTIONS from {host}:{port} within {patience} s")


def sipp_command(scenario: str, host: str, port: int, *more: str) -> list[str]:
    """SIPp with one socket, no screen, its counts and delays written to files in the working folder.

    A proxy of many workers may let a 200 overtake its 180, or a BYE its ACK: that alone must not fail a call
    (-abortunexp). A call that does not complete is failed all the same, at the latest by the caller's -timeout.
    """
    return [
        "sipp", "-sf", str(HERE / scenario), "-i", host, "-p", str(port), "-nostdin", "-trace_stat",
        "-stf", f"{scenario}.stat.csv", "-fd", "1", "-default_behaviors", "all,-abortunexp", "-buff_size", "4194304",
        *more,
    ]  # fmt: skip


def last_counts(path: Path) -> dict[str, str]:
    """The newest line of a SIPp statistics file, by column name."""
    with path.open(newline="") as lines:
        *_, newest = csv.DictReader(lines, delimiter=";")
    return newest


def wire_times(folder: Path) -> tuple[float, list[float], list[float], float]:
    """Calls a second that were really begun, every call's ring and set-up delay in milliseconds, sorted, and the
    longest gap between messages that came in while calls were begun.

    From a call's first INVITE to its first 180 and 200, by the time stamps of the caller's SIPp.
    """
    (path,) = folder.glob("uac_*_shortmessages.log")
    begun: dict[str, float] = {}
    answered: dict[str, dict[str, float]] = {"180": {}, "200": {}}
    came: list[float] = []
    with path.open(newline="") as lines:
        for _, _, at, direction, call_id, cseq, start in csv.reader(lines, delimiter="\t"):
            if direction == "R":
                came.append(float(at))
            if cseq.endswith("INVITE"):
                if direction == "S":
                    begun.setdefault(call_id, float(at))
                elif (status := start[8:11]) in answered:
                    answered[status].setdefault(call_id, float(at))
    ring, setup = (sorted(1000 * (at - begun[i]) for i, at in those.items()) for those in answered.values())
    came = [at for at in sorted(came) if at <= max(begun.values())]
    gap = max((1000 * (at - before) for before, at in pairwise(came)), default=0.0)
    return (len(begun) - 1) / (max(begun.values()) - min(begun.values())), ring, setup, gap


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]


def play(
    system: System,
    rate: int,
    seconds: float,
    beside: Callable[[int], AbstractContextManager[object]] | None = None,
    *,
    processors: list[int] = ITS_OWN,
    patience: float = 15.0,
) -> Round:
    """One round of `rate` calls a second for `seconds`, through `system`; raises RuntimeError when it cannot run.

    `beside` gets the process under test, and is entered for as long as calls are played. The system has `patience`
    seconds to start, and these `processors`.
    """
    calls = round(rate * seconds)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringfence-bench-")))
        write_entries(folder)
        switch_port, port, caller_port = (free_port(host) for host in (SWITCH_HOST, SYSTEM_HOST, CALLER_HOST))
        log = stack.enter_context((folder / "system.log").open("wb"))
        switch = stack.enter_context(
            running(on(THEIRS, sipp_command("uas.xml", SWITCH_HOST, switch_port)), folder, subprocess.DEVNULL)
        )
        target, under_test = f"{SWITCH_HOST}:{switch_port}", switch
        command = system.command(folder, port, switch_port)
        if command:
            under_test = stack.enter_context(running(on(processors, command), folder, log, system.environment))
            try:
                answers_options(SYSTEM_HOST, port, patience)
            except TimeoutError as error:
                text = (folder / "system.log").read_text()[-4000:]
                raise RuntimeError(f"{system.name}: {error}\n{text}") from error
            target = f"{SYSTEM_HOST}:{port}"
        if beside is not None:
            stack.enter_context(beside(under_test.pid))
        caller_command = sipp_command(
            "uac.xml", CALLER_HOST, caller_port, target, "-inf", "calls.csv", "-r", str(rate), "-m", str(calls),
            "-l", str(calls), "-trace_shortmsg", "-timeout", f"{seconds + 40:.0f}",
        )  # fmt: skip
        user_before, kernel_before = cpu_seconds(under_test.pid)
        switch_before = sum(cpu_seconds(switch.pid))
        caller_before = ended_children_cpu()
        finished = subprocess.run(
            on(THEIRS, caller_command), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        caller_cpu = ended_children_cpu() - caller_before
        user, kernel = cpu_seconds(under_test.pid)
        user, kernel = (user - user_before, kernel - kernel_before) if command else (0.0, 0.0)
        memory = resident_kib(under_test.pid) if command else 0
        switch_cpu = sum(cpu_seconds(switch.pid)) - switch_before
        if finished.returncode not in (0, 1):
            raise RuntimeError(f"SIPp ended with {finished.returncode}: {finished.stderr.decode()[-2000:]}")
        caller_counts = last_counts(folder / "uac.xml.stat.csv")
        switch_counts = last_counts(folder / "uas.xml.stat.csv")
        achieved, ring, setup, gap = wire_times(folder)
        return Round(
            system=system.name,
            rate=rate,
            achieved=achieved,
            calls=calls,
            failed=calls - int(caller_counts["SuccessfulCall(C)"]),
            retransmissions=int(caller_counts["Retransmissions(C)"]) + int(switch_counts["Retransmissions(C)"]),
            cpu_per_call=1e6 * (user + kernel) / calls,
            system_per_call=1e6 * kernel / calls,
            ring_p50=percentile(ring, 0.50),
            ring_p99=percentile(ring, 0.99),
            setup_p50=percentile(setup, 0.50),
            setup_p99=percentile(setup, 0.99),
            caller_cpu_per_call=1e6 * caller_cpu / calls,
            switch_cpu_per_call=1e6 * switch_cpu / calls,
            resident_kib=memory,
            longest_gap=gap,
        )


HEADINGS = (
    f"{'system':12}{'calls/s':>8}{'achieved':>10}{'failed':>8}{'retrans':>9}{'CPU µs/call':>13}{'kernel':>8}"
    f"{'180 p50':>9}{'180 p99':>9}{'200 p50':>9}{'200 p99':>9}{'RSS MiB':>9}{'UAC µs':>8}{'UAS µs':>8}"
)


def line(round_: Round) -> str:
    """One round as a line under HEADINGS."""
    return (
        f"{round_.system:12}{round_.rate:8}{round_.achieved:10.1f}{round_.failed:8}{round_.retransmissions:9}"
        f"{round_.cpu_per_call:13.1f}{round_.system_per_call:8.0f}{round_.ring_p50:9.3f}{round_.ring_p99:9.3f}"
        f"{round_.setup_p50:9.3f}{round_.setup_p99:9.3f}{round_.resident_kib / 1024:9.1f}"
        f"{round_.caller_cpu_per_call:8.0f}{round_.switch_cpu_per_call:8.0f}"
    )

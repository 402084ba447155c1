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
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
_PROCESSORS = sorted(os.sched_getaffinity(0))
ITS_OWN, THEIRS = _PROCESSORS[-1:], _PROCESSORS[:-1] or _PROCESSORS
CALLER_HOST, SYSTEM_HOST, SWITCH_HOST = "127.0.1.77", "127.0.0.77", "127.0.0.78"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
SYSTEMS = ("ringfence", "kamailio", "direct")


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of calls cost. Delays in milliseconds, CPU in microseconds a call (user + system)."""

    system: str
    rate: int  # calls/s asked for
    achieved: float  # calls/s that the caller's SIPp really began
    calls: int
    failed: int
    retransmissions: int  # by either SIPp: each is a message that was lost or late
    cpu_per_call: float
    ring_p50: float  # INVITE sent to 180 received
    ring_p99: float
    setup_p50: float  # INVITE sent to 200 received
    setup_p99: float
    caller_cpu_per_call: float  # what the two SIPp processes cost, to see whether they are the limit
    switch_cpu_per_call: float
    resident_kib: int  # of all the system's processes at the end of the round

    @property
    def generator_lagged(self) -> bool:
        """The load was not the one asked for: the round says nothing."""
        return self.achieved < 0.95 * self.rate


def write_entries(folder: Path) -> None:
    """The bench's subscribers, scam list and calls: a known callee who is not barred, a caller on no list."""
    with (folder / "subscribers.yaml").open("w") as out:
        out.write("subscribers:\n")
        for n in range(1000):
            number = f'"+8613800138{n:03}"'
            out.write(f"  - {{number: {number}, barring: {{incoming_international: off}}}}\n")
    with (folder / "scam.csv").open("w") as out:
        out.write("number,category,confidence,source,expires\n")
        out.writelines(f"+2322455{n:04},wangiri,0.9,bench,\n" for n in range(10_000))
    with (folder / "calls.csv").open("w") as out:
        out.write("SEQUENTIAL\n")
        out.writelines(f"+659123{n:04};+8613800138{n:03}\n" for n in range(1000))


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


def process_tree(pid: int) -> list[int]:
    """`pid` and all its descendants."""
    found = [pid]
    for parent in found:
        children = Path(f"/proc/{parent}/task/{parent}/children")
        with contextlib.suppress(FileNotFoundError):
            found.extend(int(child) for child in children.read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """User + system seconds used so far by `pid` and its descendants, all their threads included."""
    ticks = 0
    for each in process_tree(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / CLOCK_TICKS


def ended_children_cpu() -> float:
    """User + system seconds of the children of this process that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def resident_kib(pid: int) -> int:
    """Resident memory of `pid` and its descendants; pages they share count for each."""
    page_kib = os.sysconf("SC_PAGE_SIZE") // 1024
    return sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) * page_kib for each in process_tree(pid))


def on(processors: list[int], command: list[str]) -> list[str]:
    """The command that runs another on these processors only."""
    return ["taskset", "--cpu-list", ",".join(map(str, processors)), *command]


@contextlib.contextmanager
def running(command: list[str], folder: Path, log: IO[bytes] | int) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the bench, ended on the way out."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def kamailio_command(folder: Path, port: int, switch_port: int) -> list[str]:
    """Kamailio in the foreground (-DD), so that its processes are this process's children."""
    return [
        "/usr/sbin/kamailio", "-DD", "-E", "-m", "1024", "-f", str(HERE / "kamailio.cfg"), "-Y", str(folder),
        "-P", str(folder / "kamailio.pid"), "-l", f"udp:{SYSTEM_HOST}:{port}",
        "-A", f'PEER="sip:{SWITCH_HOST}:{switch_port}"',
    ]  # fmt: skip


def ringfence_command(folder: Path, port: int, switch_port: int) -> list[str]:
    """Ringfence with the same entries; the caller comes in on an international trunk, so every rule is asked."""
    config = folder / "proxy.yaml"
    config.write_text(
        f"listen: [udp:{SYSTEM_HOST}:{port}]\n"
        f"softswitch: udp:{SWITCH_HOST}:{switch_port}\n"
        "home: CN\n"
        "preset: default\n"
        "trunks:\n"
        f"  international: {{match: [{CALLER_HOST}], kind: international, trust_identity: true}}\n"
        "subscribers: subscribers.yaml\n"
        "scam_lists: [scam.csv]\n"
    )
    return [sys.executable, "-m", "proxy", str(config)]


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


def wire_times(folder: Path) -> tuple[float, list[float], list[float]]:
    """Calls a second that were really begun, and every call's ring and set-up delay in milliseconds, sorted.

    From a call's first INVITE to its first 180 and 200, by the time stamps of the caller's SIPp.
    """
    (path,) = folder.glob("uac_*_shortmessages.log")
    begun: dict[str, float] = {}
    answered: dict[str, dict[str, float]] = {"180": {}, "200": {}}
    with path.open(newline="") as lines:
        for _, _, at, direction, call_id, cseq, start in csv.reader(lines, delimiter="\t"):
            if cseq.endswith("INVITE"):
                if direction == "S":
                    begun.setdefault(call_id, float(at))
                elif (status := start[8:11]) in answered:
                    answered[status].setdefault(call_id, float(at))
    ring, setup = (sorted(1000 * (at - begun[i]) for i, at in those.items()) for those in answered.values())
    return (len(begun) - 1) / (max(begun.values()) - min(begun.values())), ring, setup


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]


def play(system: str, rate: int, seconds: float, profile: Path | None = None) -> Round:
    """One round of `rate` calls a second for `seconds`, through `system`; raises RuntimeError when it cannot run.

    `profile` names a file for cProfile's figures of Ringfence's process (which makes it slower).
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
        target, under_test = f"{SWITCH_HOST}:{switch_port}", None
        if system != "direct":
            command = (kamailio_command if system == "kamailio" else ringfence_command)(folder, port, switch_port)
            if profile is not None:
                command[1:1] = ["-m", "cProfile", "-o", str(profile.resolve())]
            under_test = stack.enter_context(running(on(ITS_OWN, command), folder, log))
            try:
                answers_options(SYSTEM_HOST, port)
            except TimeoutError as error:
                raise RuntimeError(f"{system}: {error}\n{(folder / 'system.log').read_text()[-4000:]}") from error
            target = f"{SYSTEM_HOST}:{port}"
        caller_command = sipp_command(
            "uac.xml", CALLER_HOST, caller_port, target, "-inf", "calls.csv", "-r", str(rate), "-m", str(calls),
            "-l", str(calls), "-trace_shortmsg", "-timeout", f"{seconds + 40:.0f}",
        )  # fmt: skip
        system_before = cpu_seconds(under_test.pid) if under_test else 0.0
        switch_before = cpu_seconds(switch.pid)
        caller_before = ended_children_cpu()
        finished = subprocess.run(on(THEIRS, caller_command), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
        caller_cpu = ended_children_cpu() - caller_before
        system_cpu = cpu_seconds(under_test.pid) - system_before if under_test else 0.0
        memory = resident_kib(under_test.pid) if under_test else 0
        switch_cpu = cpu_seconds(switch.pid) - switch_before
        if finished.returncode not in (0, 1):
            raise RuntimeError(f"SIPp ended with {finished.returncode}: {finished.stderr.decode()[-2000:]}")
        caller_counts = last_counts(folder / "uac.xml.stat.csv")
        switch_counts = last_counts(folder / "uas.xml.stat.csv")
        achieved, ring, setup = wire_times(folder)
        return Round(
            system=system,
            rate=rate,
            achieved=achieved,
            calls=calls,
            failed=calls - int(caller_counts["SuccessfulCall(C)"]),
            retransmissions=int(caller_counts["Retransmissions(C)"]) + int(switch_counts["Retransmissions(C)"]),
            cpu_per_call=1e6 * system_cpu / calls,
            ring_p50=percentile(ring, 0.50),
            ring_p99=percentile(ring, 0.99),
            setup_p50=percentile(setup, 0.50),
            setup_p99=percentile(setup, 0.99),
            caller_cpu_per_call=1e6 * caller_cpu / calls,
            switch_cpu_per_call=1e6 * switch_cpu / calls,
            resident_kib=memory,
        )


HEADINGS = (
    f"{'system':10}{'calls/s':>8}{'achieved':>10}{'failed':>8}{'retrans':>9}{'CPU µs/call':>13}"
    f"{'180 p50':>9}{'180 p99':>9}{'200 p50':>9}{'200 p99':>9}{'RSS MiB':>9}{'UAC µs':>8}{'UAS µs':>8}"
)


def line(round_: Round) -> str:
    """One round as a line under HEADINGS."""
    return (
        f"{round_.system:10}{round_.rate:8}{round_.achieved:10.1f}{round_.failed:8}{round_.retransmissions:9}"
        f"{round_.cpu_per_call:13.1f}{round_.ring_p50:9.3f}{round_.ring_p99:9.3f}"
        f"{round_.setup_p50:9.3f}{round_.setup_p99:9.3f}{round_.resident_kib / 1024:9.1f}"
        f"{round_.caller_cpu_per_call:8.0f}{round_.switch_cpu_per_call:8.0f}"
    )

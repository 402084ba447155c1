"""`python -m tests.bench.core --sources old=FOLDER --python compiled=PATH`: what a call costs in the core alone.

Each build plays calls (INVITE-180-200-ACK-BYE-200, with barring and a scam list) through a core of its own without
sockets, in a process of its own; the builds take turns, and of all batches the least counts: so two states of the
code compare on a busy machine too. The first is this folder's. CPU in microseconds a call, the call record included.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_CALLER, _PROXY, _SWITCH = "127.0.1.77", "127.0.0.77", "127.0.0.78"
_CONFIG = f"""
listen: [udp:{_PROXY}:5060]
softswitch: udp:{_SWITCH}:5080
home: CN
preset: default
trunks: {{international: {{match: [{_CALLER}], kind: international, trust_identity: true}}}}
subscribers: subscribers.yaml
scam_lists: [scam.csv]
"""
_BATCH, _BATCHES = 500, 8  # calls


def main() -> None:
    """Compare builds, or play one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", metavar="NAME=FOLDER", action="append", default=[])
    parser.add_argument("--python", metavar="NAME=PATH", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--play", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.play:
        print(_least(given.play))
        return
    builds = [("here", sys.executable, str(Path(__file__).resolve().parents[2]))]
    builds += [(name, sys.executable, folder) for name, _, folder in (one.partition("=") for one in given.sources)]
    builds += [(name, path, "") for name, _, path in (one.partition("=") for one in given.python)]
    with tempfile.TemporaryDirectory() as folder:
        from tests.bench.systems import write_entries

        write_entries(Path(folder))
        (Path(folder) / "proxy.yaml").write_text(_CONFIG)
        least = {name: float("inf") for name, _, _ in builds}
        for _ in range(given.rounds):
            for name, interpreter, sources in builds:
                played = subprocess.run(
                    [interpreter, "-P", __file__, "--play", folder],
                    env={**os.environ, "PYTHONPATH": sources},
                    capture_output=True,
                    text=True,
                    check=True,
                )
                least[name] = min(least[name], float(played.stdout))
    for name, value in least.items():
        print(f"{name:12} {value:7.1f} us a call ({value / least['here']:.3f})")


def _least(folder: Path) -> float:
    """The CPU of a call in the batch that took the least of it."""
    from proxy.config.models import load_config
    from proxy.core.call_record import CallRecords
    from proxy.core.proxy_core import ProxyCore
    from proxy.policy.engine import Policy
    from proxy.process.loading import core_settings, load, load_overlay, make_desk
    from proxy.sip.flow import Flow

    config = load_config(folder / "proxy.yaml")
    overlay = load_overlay(config)
    loaded = load(config, overlay)
    core = ProxyCore(core_settings(config, 0.0), Policy(loaded.snapshot), b"s" * 32, make_desk(config, overlay))
    caller, switch = Flow("udp", _CALLER, 5060, 0), Flow("udp", _SWITCH, 5080, 0)
    lines: list[str] = []
    record = CallRecords(lines.append)
    gc.disable()

    def take(data: str, flow: Flow, now: float) -> list[bytes]:
        core.receive(data.encode(), flow, now)
        sent = [data for _, data in core.outbox]
        core.outbox.clear()
        for event in core.outputs:
            record(event)
        core.outputs.clear()
        lines.clear()
        core.next_timer()
        return sent

    def play(number: int, now: float) -> None:
        who, whom = f"+659123{number % 1000:04}", f"+8613800138{number % 1000:03}"
        call = f"From: <sip:{who}@{_CALLER}:5060>;tag=9-{number}\r\nCall-ID: {number}-9@{_CALLER}\r\n"
        to = f"To: <sip:{whom}@{_PROXY}:5060>"
        via = f"Via: SIP/2.0/UDP {_CALLER}:5060;branch=z9hG4bK-9-{number}"
        end = "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        contact = f"Contact: <sip:{who}@{_CALLER}:5060>\r\n"
        start = f"INVITE sip:{whom}@{_PROXY}:5060 SIP/2.0\r\n"
        (*_, invite) = take(f"{start}{via}-1\r\n{call}{to}\r\nCSeq: 1 INVITE\r\n{contact}{end}", caller, now)
        lines = invite.decode().split("\r\n")
        vias = "".join(f"{line}\r\n" for line in lines if line.startswith("Via"))
        routes = "".join(f"{line}\r\n" for line in lines if line.startswith("Record-Route"))
        answer = f"{vias}{routes}{call}{to};tag=u\r\nCSeq: 1 INVITE\r\nContact: <sip:{_SWITCH}:5080>\r\n"
        take(f"SIP/2.0 180 Ringing\r\n{answer}Content-Length: 0\r\n\r\n", switch, now + 0.001)
        take(f"SIP/2.0 200 OK\r\n{answer}Content-Length: 0\r\n\r\n", switch, now + 0.002)
        route = routes.replace("Record-Route", "Route")
        there = f"sip:{_SWITCH}:5080 SIP/2.0\r\n"
        take(f"ACK {there}{via}-2\r\n{route}{call}{to};tag=u\r\nCSeq: 1 ACK\r\n{end}", caller, now + 0.003)
        (bye,) = take(f"BYE {there}{via}-3\r\n{route}{call}{to};tag=u\r\nCSeq: 2 BYE\r\n{end}", caller, now + 0.004)
        vias = "".join(f"{line}\r\n" for line in bye.decode().split("\r\n") if line.startswith("Via"))
        ok = f"SIP/2.0 200 OK\r\n{vias}{call}{to};tag=u\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
        (final,) = take(ok, switch, now + 0.005)
        assert final.startswith(b"SIP/2.0 200")

    least = float("inf")
    for batch in range(_BATCHES):
        began = time.process_time()
        for number in range(batch * _BATCH, (batch + 1) * _BATCH):
            play(number, number / 400)
            core.run_timers(number / 400 + 0.006)
        least = min(least, (time.process_time() - began) / _BATCH)
    return least * 1e6


if __name__ == "__main__":
    main()

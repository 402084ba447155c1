"""`ringfence doctor`: what this machine has of what the lab needs, and the command that mends what is missing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

import click

from proxy.process.build import build
from simulator.cli.grammar import Command
from simulator.errors import LabError
from simulator.exit_code import ExitCode
from simulator.wording import install

_HELP = "Look at what this machine has of what the lab needs, and say how to mend what is missing."


@click.command("doctor", Command, help=_HELP, short_help="say what is missing on this machine")
def doctor() -> int:
    """Print the findings, each as soon as it is there."""
    findings = []
    for finding in examine():
        print(finding, flush=True)
        findings.append(finding)
    broken = [finding for finding in findings if finding.needed and not finding.fine]
    print("Something that the lab needs is missing." if broken else "The lab can run here.")
    return ExitCode.ENVIRONMENT if broken else ExitCode.AS_EXPECTED


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. Where it is not `fine`, `advice` mends it; `needed` tells whether runs fail without it."""

    what: str
    fine: bool
    needed: bool
    advice: str = ""

    def __str__(self) -> str:
        mark = "ok     " if self.fine else "MISSING" if self.needed else "absent "
        return f"{mark}  {self.what}" + (f"\n         {self.advice}" if self.advice and not self.fine else "")


def examine() -> Iterator[Finding]:
    """Look at everything, one finding after the other."""
    checks: tuple[Callable[[], Finding], ...] = (
        _python,
        _ringfence,
        _loopback,
        _uvloop,
        _tables,
        _statistics,
        _real_phones,
        _sipp,
        _kamailio,
        _ports,
        _codecs,
        _docker,
        _image,
        _compose,
    )
    for check in checks:
        yield check()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(f"Python {version}", sys.version_info >= (3, 11), True, "install Python 3.11 or newer")


def _ringfence() -> Finding:
    try:
        kind = "compiled" if build() == "compiled" else "pure Python: `make compiled` makes a faster one"
        return Finding(f"Ringfence {metadata.version('ringfence')}, {kind}", True, True)
    except metadata.PackageNotFoundError:
        return Finding("Ringfence as an installed package", False, True, "make demo, or: pip install -e .")


def _loopback() -> Finding:
    wanted = [f"127.0.{index}.1" for index in (1, 2, 3)] if sys.platform == "linux" else ["127.0.0.1"]
    try:
        for host in wanted:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind((host, 0))
    except OSError as error:
        return Finding(f"loopback address {host} ({error.strerror})", False, True, "ip address add 127.0.0.1/8 dev lo")
    return Finding(f"loopback addresses {', '.join(wanted)}", True, True)


def _uvloop() -> Finding:
    return _package("uvloop", "a faster event loop (uvloop)", "pip install uvloop")


def _tables() -> Finding:
    return _package("pyarrow", "tables of calls and records in Parquet (pyarrow)", install("data"))


def _statistics() -> Finding:
    return _package("scipy", "the exact test of `ringfence compare` (scipy)", install("data"))


def _package(name: str, what: str, advice: str) -> Finding:
    try:
        return Finding(f"{what} {metadata.version(name)}", True, False)
    except metadata.PackageNotFoundError:
        return Finding(what, False, False, advice)


def _real_phones() -> Finding:
    from simulator.agents.pjsua import phones as pjsua  # which imports the phones

    usable, reason = pjsua.available()
    return Finding("real phones (PJSIP)", usable, False, f"{reason}; until then wire agents play their calls")


def _sipp() -> Finding:
    return _program("sipp", "SIPp, a peer that the tests use", "sip-tester")


def _kamailio() -> Finding:
    return _program("kamailio", "Kamailio, which `make bench` compares with", "kamailio")


def _program(program: str, what: str, package: str) -> Finding:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    return Finding(what, shutil.which(program, path=path) is not None, False, f"apt-get install {package}")


def _ports() -> Finding:
    what = "SIP's own port 5060 on loopback (labs take any free one; the proxy of proxy/README.md takes this)"
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 5060))
    except OSError as error:
        return Finding(f"{what}: {error.strerror}", False, False, "ss -lunp 'sport = :5060' says who holds it")
    return Finding(what, True, False)


def _codecs() -> Finding:
    from simulator.agents.pjsua import phones as pjsua

    usable, reason = pjsua.available()
    try:
        built = pjsua.built_codecs() if usable else []
    except pjsua.PhoneError as error:
        built, reason = [], str(error)
    names = f": {', '.join(built)}" if built else ""
    return Finding(f"audio codecs of real phones{names}", "PCMU" in built, False, reason or "a PJSIP built with G.711")


def _docker() -> Finding:
    from simulator.softswitch.asterisk import softswitch as asterisk  # docker is slow to import, and only needed here

    what = (
        "a Docker engine, for `run --softswitch docker`, which plays on Asterisk (the embedded softswitch needs none)"
    )
    try:
        asterisk.connect().close()
    except LabError as error:
        return Finding(what, False, False, str(error))
    return Finding(what, True, False)


def _image() -> Finding:
    from simulator.softswitch.asterisk import softswitch as asterisk

    what = "the softswitch's image"
    try:
        name = asterisk.image_name()
        built = asterisk.is_built(name)
    except LabError:
        return Finding(what, False, False, "first the Docker engine, then: ringfence run --softswitch docker PATH")
    return Finding(
        f"{what} {name}", built, False, "ringfence run --softswitch docker PATH builds it, in a minute or two"
    )


def _compose() -> Finding:
    what = "Docker Compose, for `make standing-lab`"
    for command in (["docker", "compose", "version"], ["docker-compose", "version"]):
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=10)  # noqa: S603 - fixed commands
        except (OSError, subprocess.SubprocessError):
            continue
        return Finding(what, True, False)
    return Finding(what, False, False, "apt-get install docker-compose")

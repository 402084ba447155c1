"""The systems under test, and how each is started: Ringfence as it stands here or compiled, and Kamailio.

The compiled Ringfence is another interpreter, in whose environment the package was built and installed: BENCH_COMPILED
names it (`make bench` does, where it could be built).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.plays import ROOT

HERE = Path(__file__).resolve().parent
CALLER_HOST, SYSTEM_HOST, SWITCH_HOST = "127.0.1.77", "127.0.0.77", "127.0.0.78"


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """`command` takes the folder with the entries, the port to listen at and that of the softswitch; `environment` is
    added to ours."""

    name: str
    command: Callable[[Path, int, int], list[str]]
    environment: Mapping[str, str]


def kamailio(children: int, allocator: str = "") -> System:
    """Kamailio with so many UDP workers; `allocator` is its -x: kamailio.cfg says what that changes."""
    name = f"kamailio-{children}{allocator and f'-{allocator}'}"
    more = ("-x", allocator) if allocator else ()
    return System(name, lambda *where: [*_kamailio_command(children, *where), *more], {})


def ringfence(name: str, interpreter: str, environment: Mapping[str, str]) -> System:
    """Ringfence run by an interpreter, which finds its modules by `environment`."""
    return System(name, lambda *where: _ringfence_command(interpreter, *where), environment)


def _compiled_interpreter() -> str:
    """Its path from anywhere, links left as they are: that of an environment is one. Empty where there is none."""
    path = os.environ.get("BENCH_COMPILED", "")
    return str(Path.cwd() / path) if path else ""


KAMAILIO, KAMAILIO_ALONE, KAMAILIO_FAST = kamailio(2), kamailio(1), kamailio(2, "fm")
PURE = ringfence("pure", sys.executable, {"PYTHONPATH": str(ROOT)})
COMPILED = ringfence("compiled", _compiled_interpreter(), {"PYTHONPATH": ""})
DIRECT = System("direct", lambda *_: [], {})  # the caller's SIPp calls the switch's
SYSTEMS = {one.name: one for one in (PURE, COMPILED, KAMAILIO, KAMAILIO_ALONE, KAMAILIO_FAST, DIRECT)}


def compiled_is_there() -> bool:
    """True if the interpreter of the compiled system finds a compiled core; so there is one to compare."""
    interpreter = _compiled_interpreter()
    return bool(interpreter) and _core_of(interpreter, COMPILED).endswith(".so")


def pure_is_pure() -> bool:
    """True if the interpreter of the pure system finds no compiled core."""
    return _core_of(sys.executable, PURE).endswith(".py")


def _core_of(interpreter: str, system: System) -> str:
    """The file that the core is imported from, in a folder without sources."""
    asked = subprocess.run(
        [interpreter, "-c", "import proxy.core.proxy_core as core; print(core.__file__)"],
        cwd="/",
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()


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


def _kamailio_command(children: int, folder: Path, port: int, switch_port: int) -> list[str]:
    """Kamailio in the foreground (-DD), so that its processes are this process's children."""
    return [
        "/usr/sbin/kamailio", "-DD", "-E", "-m", "1024", "-f", str(HERE / "kamailio.cfg"), "-Y", str(folder),
        "-P", str(folder / "kamailio.pid"), "-l", f"udp:{SYSTEM_HOST}:{port}",
        "-A", f'PEER="sip:{SWITCH_HOST}:{switch_port}"', "-A", f"CHILDREN={children}",
    ]  # fmt: skip


def _ringfence_command(interpreter: str, folder: Path, port: int, switch_port: int) -> list[str]:
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
    return [interpreter, "-m", "proxy", str(config)]

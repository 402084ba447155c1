"""The process that holds a port, so that "address in use" can say which one to stop (Linux; else nobody is named)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_TABLES = {"udp": ("udp", "udp6"), "tcp": ("tcp", "tcp6"), "tls": ("tcp", "tcp6")}
_LISTEN, _UDP_OPEN = "0A", "07"
_FORKED = b"simulator.lab.proxy_template"  # in the command line of proxies that are forked for a lab or a stage


def owner_of(transport: str, port: int) -> str | None:
    """`pid 4711 (kamailio)` for the process that has the port open, or that had it forked for its lab or stage; None
    where it cannot be told."""
    inodes = _inodes(transport, port)
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if _holds(process, inodes):
                process = _started(process)
                return f"pid {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:  # ended meanwhile, or another user's
            continue
    return None


def _holds(process: Path, inodes: set[str]) -> bool:
    """True for a process that has one of these open. Raises OSError where that cannot be looked at."""
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if str(descriptor.readlink()) in inodes:
                return True
    return False


def _started(process: Path) -> Path:
    """The process that somebody started: a lab or stage whose proxy is ended stands there without. Raises OSError."""
    while _FORKED in (process / "cmdline").read_bytes():
        process = process.with_name((process / "stat").read_text().rpartition(")")[2].split()[1])
    return process


def in_use(transport: str, host: str, port: int) -> str:
    """The advice to a user whose address is taken."""
    owner = owner_of(transport, port) or "the process that holds it"
    return f"{transport}:{f'[{host}]' if ':' in host else host}:{port} is in use: stop {owner}, or listen elsewhere"


def _inodes(transport: str, port: int) -> set[str]:
    inodes = set()
    for table in _TABLES[transport]:
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[1].endswith(f":{port:04X}") and fields[3] in (_LISTEN, _UDP_OPEN):
                inodes.add(f"socket:[{fields[9]}]")
    return inodes

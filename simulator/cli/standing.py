"""`ringfence serve`: sets up the stage and its page, says where it is, and stands until a signal comes."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import tempfile
import webbrowser
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from proxy.sip.uri import hostport
from simulator.cli.playing import RUNS, under_uvloop
from simulator.errors import LabError
from simulator.exit_code import ExitCode
from simulator.lab.lab_spec import LOCALHOST
from simulator.lab.proxy_forks import ProxyForks
from simulator.loopback import free_port, port_or_free
from simulator.report.terminal import say
from simulator.scenario.model import check_lists, load_scenarios
from simulator.softswitch.kinds import Kind, prepare
from simulator.stage.chosen import DEFAULT, Chosen
from simulator.stage.events import Event, Notice
from simulator.stage.stage import Stage
from simulator.stage.web.app import web_app
from simulator.stage.web.guard import Doors
from simulator.stage.web.serving import listen
from simulator.stage.web.serving import serve as serve_pages
from simulator.traffic.plan import populated
from simulator.wording import counted

PORT = 8060
SIP_PORT = 5060  # of softphones; another one where that is taken


@dataclass(frozen=True, slots=True)
class Arguments:
    """The command line of `ringfence serve`."""

    scenario: Path | None
    softswitch: Kind
    asked_host: str | None
    port: int | None
    share: bool
    opens: bool
    sip_port: int | None = None
    forks: ProxyForks | None = None

    @property
    def host(self) -> str:
        """The address to listen at: of this machine alone, where nobody is to be let in."""
        return self.asked_host or ("0.0.0.0" if self.share else "127.0.0.1")


def serve(arguments: Arguments) -> int:
    """Stand until Ctrl-C or SIGTERM; returns the exit code."""
    if not arguments.share and not _is_loopback(arguments.host):
        say(f"ringfence serve: {arguments.host} is no address of this machine alone: say --share to let others in")
        return ExitCode.USAGE
    found = load_scenarios([arguments.scenario or DEFAULT])
    if len(found) != 1:
        say(f"ringfence serve: {arguments.scenario} has {counted(len(found), 'scenario')}, expected one: name its file")
        return ExitCode.USAGE
    [(scenario, source)] = found
    check_lists([scenario])
    scenario = populated(scenario, scenario.seed)
    prepare(arguments.softswitch, say)
    listening = _listening(arguments.host, arguments.port)
    with listening, tempfile.TemporaryDirectory(prefix="ringfence-stage-") as folder:
        chosen = Chosen(scenario, source, arguments.softswitch, Path(folder), RUNS, _sip_port(arguments.sip_port))
        under_uvloop(_stand(chosen, listening, arguments))
    return ExitCode.AS_EXPECTED


async def _stand(chosen: Chosen, listening: socket.socket, arguments: Arguments) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    token = secrets.token_urlsafe(16) if arguments.share else ""
    address = _shown(arguments.host, listening.getsockname()[1])
    async with Stage(chosen, arguments.forks) as stage:
        stage.hub.hearers.append(_tell)
        url = f"http://{address}/" + (f"?token={token}" if token else "")
        print(f"the stage is at {url}", flush=True)
        say(f"softphones on this machine may register at {LOCALHOST}:{chosen.sip}; Ctrl-C ends it")
        if arguments.opens:
            stage.soon(_opened(url))
        doors = doors_of(arguments.host, listening.getsockname()[1], token, address)
        await serve_pages(web_app(stage, doors), listening, stop, stage.hub.close)


def _tell(event: Event) -> None:
    """Say on the terminal what pages are to warn of."""
    if isinstance(event, Notice) and event.level == "warning":
        say(f"ringfence serve: {event.words['en']}")


async def _opened(url: str) -> None:
    if not await asyncio.to_thread(webbrowser.open, url):
        say("no browser could be opened: open that address in one")


def _listening(host: str, port: int | None) -> socket.socket:
    """A socket at the port that was asked for; else at the usual one, or a free one where that is taken."""
    if port is not None:
        return listen(host, port)
    try:
        return listen(host, PORT)
    except LabError:
        return listen(host, 0)


def _sip_port(port: int | None) -> int:
    """The port that softphones register at: the one that was asked for; else the usual one, or a free one."""
    return port or (free_port() if port == 0 else port_or_free(SIP_PORT))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def doors_of(host: str, port: int, token: str, shown: str = "") -> Doors:
    """The doors of pages at an address, with a `token` where others are let in."""
    hosts = {f"{name}:{port}" for name in (host.lower(), "127.0.0.1", "localhost", "[::1]")}
    return Doors(frozenset(hosts), token, f"ringfence-{port}", by_address=bool(token), shown=shown or f"{host}:{port}")


def _shown(host: str, port: int) -> str:
    """HOST:PORT as others reach it."""
    if host in ("0.0.0.0", "::"):
        host = _outward() or host
    return hostport(host, port)


def _outward() -> str:
    """The address of this machine on its network; nothing is sent to find out. Empty where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737)
        except OSError:
            return ""
        return str(probe.getsockname()[0])

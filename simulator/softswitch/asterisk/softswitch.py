"""The real softswitch: Asterisk 22 in a Docker container, bound to loopback and gone when the lab is.

The only module that imports `docker`. The image is built from docker/softswitch when it is missing; accounts reach
Asterisk as files that it reloads; what was dialled is asked of this process (asterisk_resolver.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self, cast

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container

from simulator.addresses import Address
from simulator.agents.tap import Tap
from simulator.errors import LabError
from simulator.loopback import free_port
from simulator.softswitch.asterisk.base import BASE, TOOL, apt_proxy, bootstrap
from simulator.softswitch.asterisk.files import RING_TIME, forget_records, gather_records, write_accounts, write_setting
from simulator.softswitch.asterisk.resolver import AccountBook, Resolver
from simulator.softswitch.embedded.registrar import Account

Say = Callable[[str], None]

SOURCES = Path(__file__).parents[3] / "docker" / "softswitch"
PROMPTS = Path(__file__).parents[2] / "media" / "prompts"
HOST_LABEL = "ringfence.host"
OWNER_LABEL = "ringfence.owner"  # PID and start time of the process that a container belongs to
READY_WITHIN = 30.0  # seconds; it takes about two
STOP_WITHIN = 5  # seconds
_TICK = 0.1  # seconds between two questions whether it is ready
_SOCKET = Path("/var/run/docker.sock")
# What the library lets through of requests, which it stands on, is an OSError.
_DOCKER_FAILS = (DockerException, OSError)


def connect() -> docker.DockerClient:
    """A client of the Docker engine. Raises LabError that says what is missing and what mends it."""
    if sys.platform != "linux":
        raise LabError("the Asterisk softswitch shares this machine's loopback addresses, which needs Linux")
    needs = "the Asterisk softswitch needs a Docker engine:"
    host = os.environ.get("DOCKER_HOST") or f"unix://{_SOCKET}"
    try:
        if host.startswith("unix://"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.connect(host.removeprefix("unix://"))
        client = docker.from_env()
        client.ping()
    except PermissionError as error:
        raise LabError(f"{needs} this user may not use {host}; sudo usermod -aG docker $USER, log in again") from error
    except OSError as error:
        raise LabError(f"{needs} nobody answers at {host}; {_way_to_an_engine()}") from error
    except DockerException as error:
        way = "start it, or point DOCKER_HOST at one that serves (unset: the one of this machine)"
        raise LabError(f"{needs} the one at {host} does not serve; {way}: {error}") from error
    return client


def image_name() -> str:
    """The image of these very sources. Raises LabError where there are none beside this package."""
    if not (SOURCES / "Dockerfile").exists():
        raise LabError(f"there is no {SOURCES / 'Dockerfile'}: run Ringfence from a checkout of its sources")
    digest = hashlib.sha256()
    for path in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(SOURCES)}\0".encode() + path.read_bytes() + b"\0")
    return f"ringfence-softswitch:{digest.hexdigest()[:12]}"


def is_built(name: str) -> bool:
    """True if the engine has the image. Raises LabError where there is no engine."""
    client = connect()
    try:
        return _has(client, name)
    finally:
        client.close()


def prepare(say: Say) -> str:
    """Make the image if it is missing, telling `say` how far it is; returns its name. Raises LabError."""
    client = connect()
    name = image_name()
    try:
        if not _has(client, name):
            with (SOURCES / "Dockerfile").open("rb") as sources:
                fcntl.flock(sources, fcntl.LOCK_EX)  # another lab may be making it: its own would only take longer
                if not _has(client, name):
                    _build(client, name, say)
    except _DOCKER_FAILS as error:
        raise LabError(f"the softswitch image could not be built: {error}") from error
    finally:
        client.close()
    return name


def _build(client: docker.DockerClient, name: str, say: Say) -> None:  # image-making
    if not _has(client, BASE):
        _fetch_base(client, say)
    say(f"building {name}, once; this takes about a minute")
    proxy = apt_proxy()
    steps = client.api.build(
        path=str(SOURCES),
        tag=name,
        rm=True,
        decode=True,
        network_mode="host",
        buildargs={"http_proxy": proxy} if proxy else {},
    )
    for step in steps:
        if "error" in step:
            raise LabError(f"the softswitch image could not be built: {step['error'].strip()}")
        if text := step.get("stream", "").strip():
            say(text)


def prepare_base(say: Say) -> None:
    """Fetch or make the image that ours start from, if it is missing. Raises LabError."""
    client = connect()
    try:
        if not _has(client, BASE):
            _fetch_base(client, say)
    except _DOCKER_FAILS as error:
        raise LabError(f"{BASE} could not be made: {error}") from error
    finally:
        client.close()


def _has(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True


def _fetch_base(client: docker.DockerClient, say: Say) -> None:  # image-making
    say(f"fetching {BASE}")
    try:
        client.images.pull(*BASE.partition(":")[::2])
        return
    except APIError as error:
        say(f"no image registry can be reached ({error.explanation}); making {BASE} from Debian's packages")
    with tempfile.TemporaryDirectory() as folder:
        tar = Path(folder) / "base.tar"
        try:
            bootstrap(tar, say)
        except FileNotFoundError as error:
            raise LabError(f"{BASE} can be neither fetched nor made here: apt-get install {TOOL}") from error
        except OSError as error:
            raise LabError(f"{BASE} could not be made: {error}") from error
        client.api.import_image_from_file(str(tar), *BASE.partition(":")[::2])


def _way_to_an_engine() -> str:
    if shutil.which("dockerd", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))):
        return "start the one installed: sudo systemctl start docker (or, as root: dockerd &)"
    return "install one: sudo apt-get install docker.io (then: sudo systemctl start docker)"


def sweep(client: docker.DockerClient) -> int:
    """Remove the containers that labs of this machine left behind when they were killed; returns how many."""
    removed = 0
    here = f"{HOST_LABEL}={socket.gethostname()}"
    # Others may be removed by their own labs meanwhile.
    for container in client.containers.list(all=True, filters={"label": here}, ignore_removed=True):
        owner = container.labels.get(OWNER_LABEL, "")
        pid = owner.partition(":")[0]
        if not pid.isdigit() or _owner(int(pid)) != owner:
            with contextlib.suppress(APIError):  # another lab may be sweeping as well
                container.remove(force=True)
                removed += 1
    return removed


def _owner(pid: int) -> str | None:
    """The value of OWNER_LABEL for a living process; None of a dead one."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return f"{pid}:{status.rpartition(')')[2].split()[19]}"  # field 22, starttime


class AsteriskSoftswitch:
    """A softswitch of the embedded one's kind; use it as an async context manager, which takes the container down.

    `folder` gets `switch-calls.jsonl` (Asterisk's own call records), `recordings/` and `switch/` (log and accounts).
    `problems` says, also afterwards, what went wrong. Entering raises LabError where it does not come up.
    """

    def __init__(
        self,
        bind: Address,
        accounts: Iterable[Account],
        *,
        folder: Path,
        resolve: Callable[[str], str | None] | None = None,
        outside: Address | None = None,
        realm: str = "ringfence.example",
        algorithms: tuple[str, ...] = (),  # noqa: ARG002  # Asterisk chooses its own
        ring_time: float = RING_TIME,
        say: Say = lambda _: None,
        tap: Tap | None = None,  # noqa: ARG002  # no tap of ours reaches into a container
        arrivals: dict[str, float] | None = None,  # noqa: ARG002  # nor is its socket ours
    ) -> None:
        self.address = bind
        self.problems: list[str] = []
        self._folder = folder.resolve()
        self._own = self._folder / "switch"  # the container's /ringfence
        self._accounts = tuple(accounts)
        self._resolve = resolve
        self._outside = outside
        self._realm = realm
        self._ring_time = ring_time
        self._say = say
        self._stack = AsyncExitStack()
        self._closing = False

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        gather_records(self._own, self._folder / "switch-calls.jsonl")

    async def _open(self) -> None:
        image = await asyncio.to_thread(prepare, self._say)
        client = connect()
        self._stack.callback(client.close)
        await asyncio.to_thread(sweep, client)
        resolver = await self._stack.enter_async_context(Resolver((self.address[0], 0), self._find))
        for folder in (self._folder / "recordings", self._own):
            folder.mkdir(parents=True, exist_ok=True)
        self.address = self.address[0], self.address[1] or free_port(self.address[0])
        forget_records(self._own)
        write_setting(self._own, self.address, self._realm, resolver.address, self._ring_time)
        self._write_accounts()
        try:
            self._container = await asyncio.to_thread(self._create, client, image)
            self._stack.push_async_callback(asyncio.to_thread, _remove, self._container)
            await asyncio.to_thread(self._container.start)
            await asyncio.to_thread(self._wait_ready)
        except _DOCKER_FAILS as error:
            raise LabError(f"the softswitch container did not start: {error}") from error
        self._stack.push_async_callback(self._unwatch, asyncio.create_task(self._watch()))

    def _create(self, client: docker.DockerClient, image: str) -> Container:
        return client.containers.create(
            image,
            labels={HOST_LABEL: socket.gethostname(), OWNER_LABEL: _owner(os.getpid()) or ""},
            network_mode="host",  # Asterisk binds loopback only; agents have all of 127.0.0.0/8
            user=f"{os.getuid()}:{os.getgid()}",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            tmpfs={"/run/asterisk": "mode=1777"},
            volumes={
                str(self._own): {"bind": "/ringfence", "mode": "rw"},
                str(self._folder / "recordings"): {"bind": "/recordings", "mode": "rw"},
                str(PROMPTS): {"bind": "/prompts", "mode": "ro"},
            },
            init=True,
        )

    def _wait_ready(self) -> None:
        """Ask until OPTIONS is answered."""
        host, port = self.address
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
            probe.connect(self.address)
            probe.settimeout(_TICK)
            own = probe.getsockname()[1]
            for attempt in range(1, round(READY_WITHIN / _TICK)):
                self._container.reload()
                if self._container.status not in ("created", "running"):
                    break
                question = (
                    f"OPTIONS sip:{host}:{port} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP {host}:{own};branch=z9hG4bKready{attempt}\r\n"
                    f"From: <sip:ready@{host}>;tag=1\r\nTo: <sip:{host}>\r\nCall-ID: ready-{own}-{attempt}\r\n"
                    "CSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n"
                )
                try:
                    probe.send(question.encode())
                    if probe.recv(4096).startswith(b"SIP/2.0 200"):
                        return
                except TimeoutError:
                    continue
                except ConnectionRefusedError:
                    time.sleep(_TICK)
        last_words = bytes(self._container.logs(tail=5)).decode("utf-8", "replace").strip()
        raise LabError(
            f"Asterisk did not come up: {last_words or 'no last words'} (its log is {self._own / 'switch.log'})"
        )

    async def _watch(self) -> None:
        """Notice an end that nobody asked for."""
        with contextlib.suppress(*_DOCKER_FAILS):
            ended = await asyncio.to_thread(self._container.wait, timeout=None)
            if not self._closing:
                self.problems.append(f"the softswitch (Asterisk) ended by itself with code {ended['StatusCode']}")

    async def _unwatch(self, watch: asyncio.Task[None]) -> None:
        """Let Asterisk end in order, with the records of its calls written, before the container is removed."""
        if not watch.done():
            self._closing = True
            with contextlib.suppress(*_DOCKER_FAILS):
                await asyncio.to_thread(self._container.stop, timeout=STOP_WITHIN)
        await watch

    async def provision(self, accounts: Iterable[Account]) -> None:
        """Replace the accounts while calls go on. Raises LabError where Asterisk does not take them."""
        self._accounts = tuple(accounts)
        self._write_accounts()
        answer = await self.command("module reload res_pjsip.so")
        if "reloaded successfully" not in answer:
            raise LabError(f"Asterisk did not reload its accounts: {answer}")

    async def command(self, line: str) -> str:
        """Asterisk's answer to a line on its console. Raises LabError where it is gone."""
        try:
            code, output = await asyncio.to_thread(self._container.exec_run, ["asterisk", "-rx", line])
        except _DOCKER_FAILS as error:
            raise LabError(f"the softswitch container is gone: {error}") from error
        text = cast("bytes", output).decode("utf-8", "replace").strip()
        if code != 0:
            raise LabError(f"Asterisk refused {line!r}: {text}")
        return text

    def _write_accounts(self) -> None:
        try:
            write_accounts(self._own, self._accounts, self._realm)
        except ValueError as error:
            raise LabError(str(error)) from error
        self._book = AccountBook(self._accounts, self._resolve, self._outside)

    def _find(self, dialled: str) -> dict[str, str]:
        """By the accounts of this moment: `provision` replaces them."""
        return self._book.find(dialled)


def _remove(container: Container) -> None:
    with contextlib.suppress(NotFound):
        container.remove(force=True)

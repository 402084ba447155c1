"""A stage with its pages on a real socket, in a thread of its own, and a plain HTTP client beside it."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from simulator.cli.standing import doors_of
from simulator.scenario.model import load_scenarios
from simulator.softswitch.kinds import Kind
from simulator.stage import hand, programme
from simulator.stage.chosen import DEFAULT, Chosen
from simulator.stage.phones import speaker
from simulator.stage.stage import Stage
from simulator.stage.state import State
from simulator.stage.web.app import web_app
from simulator.stage.web.serving import listen, serve
from tests.plays.proxy_templates import forked_proxies

T = TypeVar("T")
WITHIN = 20.0  # seconds
JSON = {"Content-Type": "application/json"}


_STRANGERS = (f"+1303555{last:04d}" for last in range(100, 200))


def stranger() -> str:
    """A number abroad from which nobody has called yet: subscribers are told of a refused caller once an hour."""
    return next(_STRANGERS)


class StagePlay:
    """The stage, and what a page can ask of it."""

    def __init__(self, stage: Stage, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.stage = stage
        self.port = port
        self._loop = loop

    def within(self, do: Callable[[], T]) -> T:
        """Do something in the stage's own thread."""

        async def doing() -> T:
            return do()

        return self.run(doing())

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        """Have something done in the stage's own thread that takes its time."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(WITHIN)

    def until(self, holds: Callable[[State], T]) -> T:
        """Return what `holds` returns of the stage's state as soon as that is true: it looks in the stage's own thread,
        at each event and each change of a phone. AssertionError when it never is."""
        found: Future[T] = Future()

        def look(_: object = None) -> None:
            try:
                if not found.done() and (seen := holds(self.stage.hub.state)):
                    found.set_result(seen)
            except BaseException as error:
                found.set_exception(error)

        listening: tuple[list[Any], ...] = (self.stage.hub.hearers, self.stage.phones.on_change)

        def begin() -> None:
            for hearers in listening:
                hearers.append(look)
            look()

        def end() -> None:
            for hearers in listening:
                hearers.remove(look)

        self.within(begin)
        try:
            return found.result(WITHIN)
        except TimeoutError:
            raise AssertionError(f"not within {WITHIN} s") from None
        finally:
            self.within(end)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        source: str = "127.0.0.1",
    ) -> tuple[int, dict[str, str], bytes]:
        """One request, from that address: its status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN, source_address=(source, 0))
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, **keys: Any) -> Any:
        """The JSON answer to a change."""
        status, _, body = self.ask("POST", path, json.dumps(keys).encode(), JSON)
        assert status == 200, body
        return json.loads(body)

    def set(self, subscriber: str, **settings: Any) -> None:
        """Give a subscriber these settings."""
        self.post("/api/settings", subscriber=subscriber, settings=settings)

    def call_where(self, call: str, holds: Callable[[Mapping[str, Any]], object]) -> dict[str, Any]:
        """The call in the state that pages get, as soon as that holds of it."""
        self.until(lambda state: any(each["id"] == call and holds(each) for each in state.calls))
        found: dict[str, Any] = next(each for each in self.get("/api/state")["calls"] if each["id"] == call)
        return found

    def ended(self, call: str) -> dict[str, Any]:
        """The call in the state once it is over."""
        return self.call_where(call, lambda each: "outcome" in each)

    @contextmanager
    def events(self) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
        """The stream of events, by name."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN)
        try:
            connection.request("GET", "/api/events")
            yield _events(connection.getresponse())
        finally:
            connection.close()


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    while line := answer.readline():
        key, _, value = line.decode().rstrip("\n").partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


@contextmanager
def soon_over() -> Iterator[None]:
    """Have calls meanwhile that say nothing of it ring and last for a moment only, to a machine as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hand, "_RINGS", "0.1s")
        patch.setattr(hand, "_TALKS", "0.1s")
        patch.setattr(speaker, "_TO_A_MACHINE", 0.1)
        patch.setattr(programme, "_LONGEST", 0.1)
        yield


@contextmanager
def standing_stage(
    folder: Path, source: Path = DEFAULT, token: str = "", switch: Kind = "embedded", scenarios: Path | None = None
) -> Iterator[StagePlay]:
    """A stage that stands meanwhile, its lab's files in `folder`. The calls of `scenarios` may come by themselves; by
    default there are none, as all of them are read."""
    (folder / "lab").mkdir()
    [(scenario, _)] = load_scenarios([source])
    runs, offered = folder / "runs", scenarios or folder / "scenarios"
    chosen = Chosen(scenario, source, switch, folder / "lab", runs, scenarios=offered)
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    up, wrong = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    stages: list[Stage] = []

    async def stand() -> None:
        with forked_proxies() as forks:
            async with Stage(chosen, forks) as stage:
                stages.append(stage)
                up.set()
                await serve(web_app(stage, doors_of("127.0.0.1", port, token)), listening, stop, stage.hub.close)

    def run() -> None:
        try:
            loop.run_until_complete(stand())
        except BaseException as error:
            wrong.append(error)
        finally:
            up.set()
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert up.wait(WITHIN if switch == "embedded" else 120)
    try:
        if wrong:
            raise wrong[0]
        yield StagePlay(stages[0], port, loop)
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(WITHIN)
        listening.close()
    if wrong:
        raise wrong[0]

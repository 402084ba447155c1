"""A stage with its pages on a real socket, in a thread of its own, and a plain HTTP client beside it."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from simulator.cli.standing import doors_of
from simulator.scenario.model import load_scenarios
from simulator.softswitch.kinds import Kind
from simulator.stage.chosen import DEFAULT, Chosen
from simulator.stage.stage import Stage
from simulator.stage.web.app import web_app
from simulator.stage.web.serving import listen, serve
from tests.plays.proxy_process import eventually
from tests.plays.proxy_templates import forked_proxies

T = TypeVar("T")
WITHIN = 20.0  # seconds
JSON = {"Content-Type": "application/json"}


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

        return asyncio.run_coroutine_threadsafe(doing(), self._loop).result(WITHIN)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: its status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN)
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

    def call_where(self, call: str, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The call in the state, as soon as that holds of it."""

        def found() -> dict[str, Any]:
            calls = self.get("/api/state")["calls"]
            return next((each for each in calls if each["id"] == call and holds(each)), {})

        return eventually(found)

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
def standing_stage(
    folder: Path, source: Path = DEFAULT, token: str = "", switch: Kind = "embedded"
) -> Iterator[StagePlay]:
    """A stage that stands meanwhile, its lab's files in `folder`."""
    (folder / "lab").mkdir()
    [(scenario, _)] = load_scenarios([source])
    chosen = Chosen(scenario, source, switch, folder / "lab", folder / "runs")
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

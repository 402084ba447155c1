"""The web application of the stage: it collects the routes of its modules, and puts the guard before them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from simulator.stage.stage import Stage
from simulator.stage.web import calls, handout, lessons, line, pages, phones, runs, switches, traffic
from simulator.stage.web.bodies import Wrong
from simulator.stage.web.guard import App, Doors, Guard, Refused


def web_app(stage: Stage, doors: Doors) -> App:
    """The application for a stage. Each module of routes takes the stage and returns its routes."""
    routes = [
        *pages.routes(stage),
        *calls.routes(stage),
        *switches.routes(stage),
        *traffic.routes(stage),
        *runs.routes(stage),
        *phones.routes(stage, doors),
        *line.routes(stage),
        *lessons.routes(stage),
        *handout.routes(stage),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={HTTPException: _error, Refused: _refused}), doors)


async def _error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as it is registered
    return Wrong(error.status_code, error.detail)


async def _refused(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)  # noqa: S101 - as it is registered
    return Wrong(refused.status, refused.why)

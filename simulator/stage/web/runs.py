"""Saves the session, and shows finished runs: their calls to play again on the stage, and their reports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.stage import finished
from simulator.stage.stage import Stage
from simulator.stage.web.bodies import Json

T = TypeVar("T")
_LONGEST = 200  # characters of a search
# A report has its style and script in itself: it is shown as a page of nobody's, which can ask for nothing.
_SANDBOX = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; media-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def routes(stage: Stage) -> list[BaseRoute]:
    """`/api/save`, `/api/runs`, and what is below it."""
    root = stage.chosen.runs

    async def save(_: Request) -> Response:
        try:
            saved = await stage.save()
        except OSError as error:
            raise HTTPException(507, f"{root}: {error.strerror or error}") from None
        return Json({"folder": str(saved.folder), "run": saved.folder.name, "handout": saved.handout})

    async def runs(_: Request) -> Response:
        return Json({"runs": await asyncio.to_thread(finished.runs_in, root)})

    async def calls(request: Request) -> Response:
        run, searched = request.path_params["run"], request.query_params.get("q", "")[:_LONGEST]
        return Json({"calls": await _found(finished.calls_of, root, run, searched)})

    async def call(request: Request) -> Response:
        run, name = request.path_params["run"], request.path_params["id"]
        events = await _found(finished.events_of, root, run, name)
        return Json({"call": events[0]["call"], "events": events})

    async def report(request: Request) -> Response:
        page = await _found(finished.report_of, root, request.path_params["run"])
        return HTMLResponse(page, headers={"Content-Security-Policy": _SANDBOX})

    return [
        Route("/api/save", save, methods=["POST"]),
        Route("/api/runs", runs),
        Route("/api/runs/{run}/calls", calls),
        Route("/api/runs/{run}/calls/{id}", call),
        Route("/api/runs/{run}/report", report),
    ]


async def _found(look: Callable[..., T], *arguments: object) -> T:
    """Return the findings of `look`, made beside all else. Raises HTTPException (404)."""
    try:
        return await asyncio.to_thread(look, *arguments)
    except finished.NoRun as error:
        raise HTTPException(404, str(error)) from None

"""The hand-out of the session so far, in either language."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.scenario.lesson import LANGUAGES
from simulator.stage.handout.page import document
from simulator.stage.stage import Stage


def routes(stage: Stage) -> list[BaseRoute]:
    """`/handout`."""

    async def handout(request: Request) -> Response:
        wanted = request.query_params.get("language", "en")
        return HTMLResponse(document(stage.happened(), wanted if wanted in LANGUAGES else "en"))

    return [Route("/handout", handout)]

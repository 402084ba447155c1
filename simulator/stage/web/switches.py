"""The switches: subscribers' settings, and the rules' modes."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulator.stage.stage import Stage
from simulator.stage.switches import Unchangeable
from simulator.stage.web.bodies import Json, body_of, text_of


def routes(stage: Stage) -> list[BaseRoute]:
    """`/api/settings`, `/api/rule`."""

    async def settings(request: Request) -> Response:
        chosen = await body_of(request, "subscriber", "settings")
        if not isinstance(chosen["settings"], dict):
            raise HTTPException(400, "settings: expected a JSON object")
        try:
            await stage.switches.change(text_of(chosen, "subscriber"), chosen["settings"])
        except Unchangeable as error:
            raise HTTPException(422, str(error)) from None
        return Json({})

    async def rule(request: Request) -> Response:
        chosen = await body_of(request, "rule", "mode")
        try:
            await stage.switches.set_mode(text_of(chosen, "rule"), text_of(chosen, "mode"))
        except Unchangeable as error:
            raise HTTPException(422, str(error)) from None
        return Json({})

    return [
        Route("/api/settings", settings, methods=["POST"]),
        Route("/api/rule", rule, methods=["POST"]),
    ]

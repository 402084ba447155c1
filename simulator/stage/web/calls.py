"""The state, the stream of events, and the calls that a trainer places."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulator.stage.hand import Unplaceable
from simulator.stage.stage import Stage
from simulator.stage.web.bodies import Json, body_of, text_of
from simulator.stage.web.stream import events


def routes(stage: Stage) -> list[BaseRoute]:
    """`/api/state`, `/api/events`, `/api/call`, `/api/family`, `/api/calls/ID`."""

    async def state(_: Request) -> Response:
        return Json(stage.hub.state.to_json())

    async def stream(request: Request) -> Response:
        return await events(stage.hub, request)

    async def call(request: Request) -> Response:
        chosen = await body_of(request, "from", "to")
        try:
            return Json({"id": stage.call(chosen)})
        except Unplaceable as error:
            raise HTTPException(422, str(error)) from None

    async def family(request: Request) -> Response:
        chosen = await body_of(request, "id", "to")
        try:
            return Json({"id": stage.family(text_of(chosen, "id"), text_of(chosen, "to"))})
        except Unplaceable as error:
            raise HTTPException(422, str(error)) from None

    async def one(request: Request) -> Response:
        events_of = stage.hub.events_of(request.path_params["id"])
        if not events_of:
            raise HTTPException(404, "no such call")
        return Json({"call": events_of[0]["call"], "events": events_of})

    return [
        Route("/api/state", state),
        Route("/api/events", stream),
        Route("/api/call", call, methods=["POST"]),
        Route("/api/family", family, methods=["POST"]),
        Route("/api/calls/{id}", one),
    ]

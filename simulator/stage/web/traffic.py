"""Traffic that comes by itself."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulator.stage.stage import Stage
from simulator.stage.traffic import NoTraffic
from simulator.stage.web.bodies import Json, body_of


def routes(stage: Stage) -> list[BaseRoute]:
    """`/api/traffic`."""

    async def traffic(request: Request) -> Response:
        chosen = await body_of(request)
        if chosen.get("stop") is True:
            await stage.traffic.stop()
            return Json({})
        scenario, rate = chosen.get("scenario"), chosen.get("rate")
        if not isinstance(rate, (int, float)) or isinstance(rate, bool):
            raise HTTPException(422, "rate: expected calls a second")
        if scenario is not None and not isinstance(scenario, str):
            raise HTTPException(422, "scenario: expected the name of one, or null for a mix of all families")
        try:
            await stage.traffic.start(scenario, rate)
        except NoTraffic as error:
            raise HTTPException(422, str(error)) from None
        return Json({})

    return [Route("/api/traffic", traffic, methods=["POST"])]

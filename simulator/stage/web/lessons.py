"""The lesson: which there are, and the one under way."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from simulator.stage.hand import Unplaceable
from simulator.stage.stage import Stage
from simulator.stage.switches import Unchangeable
from simulator.stage.teaching import NoLesson
from simulator.stage.web.bodies import Json, body_of


def routes(stage: Stage) -> list[BaseRoute]:
    """`/api/lesson`."""

    async def lesson(request: Request) -> Response:
        told = await body_of(request, "do")
        seen = (told["at"], told.get("result")) if "at" in told else None
        try:
            call = await stage.teacher.do(str(told["do"]), str(told.get("id", "")), seen)
        except (NoLesson, Unplaceable, Unchangeable) as error:
            raise HTTPException(422, str(error)) from None
        return Json({"call": call})

    return [Route("/api/lesson", lesson, methods=["POST"])]

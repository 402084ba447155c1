"""The lesson: which there are, and the one under way."""

from __future__ import annotations

from typing import Any

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
        seen = _seen(told)
        try:
            call = await stage.teacher.do(str(told["do"]), str(told.get("id", "")), seen)
        except (NoLesson, Unplaceable, Unchangeable) as error:
            raise HTTPException(422, str(error)) from None
        return Json({"call": call})

    return [Route("/api/lesson", lesson, methods=["POST"])]


def _seen(told: dict[str, Any]) -> tuple[int, str] | None:
    """The number of a step and its result, where they are told. Raises HTTPException (422)."""
    if "at" not in told and "result" not in told:
        return None
    at, result = told.get("at"), told.get("result")
    if type(at) is not int or not isinstance(result, str):
        raise HTTPException(422, "at: expected the number of a step, with its result")
    return at, result

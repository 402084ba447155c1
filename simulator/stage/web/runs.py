"""Saves the session, and finished runs to look at."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.stage.stage import Stage


def routes(stage: Stage) -> list[BaseRoute]:
    """`/api/save`."""

    async def save(_: Request) -> Response:
        try:
            folder = await stage.save()
        except OSError as error:
            raise HTTPException(507, f"{error.filename}: {error.strerror}") from None
        return JSONResponse({"folder": str(folder), "run": folder.name})

    return [Route("/api/save", save, methods=["POST"])]

"""The pages themselves, and the files that they are made of: all of it lies in the package."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from simulator.stage.stage import Stage

STATIC = Path(__file__).parents[1] / "static"


def routes(_: Stage) -> list[BaseRoute]:
    """The page of the stage, and static files."""

    async def page(_: Request) -> Response:
        return FileResponse(STATIC / "stage.html", headers={"Cache-Control": "no-cache"})

    return [Route("/", page), Mount("/static", _Files(directory=STATIC))]


class _Files(StaticFiles):
    """Static files, which a browser asks about each time: a newer Ringfence has newer ones."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """As usual, with a header."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response

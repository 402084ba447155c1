"""The handset's page, what it and the stage tell a phone to do, apps, recordings, and the QR code that leads to it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import segno
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.media.prompts import LANGUAGES
from simulator.stage.phones.apps import WrongApps
from simulator.stage.phones.handset import Handset, Unable
from simulator.stage.phones.phones import Phones
from simulator.stage.stage import Stage
from simulator.stage.web.bodies import Json, body_of
from simulator.stage.web.guard import Doors
from simulator.stage.web.guests import guest_token
from simulator.stage.web.pages import STATIC

_STAGE = object()  # holds a phone in the place of a page
Told = Mapping[str, Any]


def do(phones: Phones, handset: Handset, told: Told, holder: object = _STAGE) -> None:
    """Have a phone do what it is told. Raises Unable."""
    command = _COMMANDS.get(str(told.get("do")))
    if command is None:
        raise Unable(f"do: expected one of {', '.join(_COMMANDS)}")
    command(phones, handset, told, holder)


def _text(told: Told, key: str) -> str:
    value = told.get(key)
    if not isinstance(value, str):
        raise Unable(f"{key}: expected a text")
    return value


def _hold(_: Phones, handset: Handset, told: Told, holder: object) -> None:
    (handset.hold if told.get("on", True) is True else handset.let_go)(holder)


def _allow(phones: Phones, handset: Handset, told: Told, _: object) -> None:
    phones.allow(handset, _text(told, "number"))


_COMMANDS: Mapping[str, Callable[[Phones, Handset, Told, object], None]] = {
    "hold": _hold,
    "answer": lambda _, handset, told, __: handset.answer(told.get("call")),
    "hang_up": lambda _, handset, told, __: handset.hang_up(told.get("call")),
    "press": lambda _, handset, told, __: handset.press(_text(told, "keys")),
    "dial": lambda _, handset, told, __: handset.dial(_text(told, "number")),
    "text": lambda _, handset, told, __: handset.text(_text(told, "to"), _text(told, "body")),
    "allow": _allow,
}


def phone_of(stage: Stage, name: str) -> Handset:
    """The phone of that name. Raises HTTPException (404)."""
    handset = stage.phones.handsets.get(name)
    if handset is None:
        raise HTTPException(404, "no such phone")
    return handset


def routes(stage: Stage, doors: Doors) -> list[BaseRoute]:
    """`/phone/NAME`, `/apps`, `/api/phones/NAME`, `/api/apps/NAME`, `/api/app-list`, `/api/voices`, `/api/sound/FILE`,
    `/api/share`, `/api/qr/NAME`."""
    phones = stage.phones

    async def page(request: Request) -> Response:
        phone_of(stage, request.path_params["name"])
        return FileResponse(STATIC / "handset.html", headers={"Cache-Control": "no-cache"})

    async def apps_page(_: Request) -> Response:
        return FileResponse(STATIC / "apps.html", headers={"Cache-Control": "no-cache"})

    async def phone(request: Request) -> Response:
        handset = phone_of(stage, request.path_params["name"])
        if request.method == "GET":
            return Json(phones.sight.of(handset, stage.hub.state))
        told = await body_of(request, "do")
        try:
            do(phones, handset, told)
        except Unable as error:
            raise HTTPException(422, str(error)) from None
        return Json({})

    async def apps(request: Request) -> Response:
        handset = phone_of(stage, request.path_params["name"])
        told = await body_of(request)
        if told.get("off") is True:
            phones.sight.apps.forget(handset.name)
        else:
            try:
                phones.sight.apps.report(handset.name, told.get("apps"), time.time())
            except WrongApps as error:
                raise HTTPException(422, str(error)) from None
        phones.changed(handset)
        return Json(phones.sight.apps.to_json(handset.name))

    async def app_list(request: Request) -> Response:
        if request.method == "POST":
            told = await body_of(request, "apps")
            try:
                phones.sight.apps.change_list(told["apps"])
            except WrongApps as error:
                raise HTTPException(422, str(error)) from None
            for handset in phones.handsets.values():
                phones.changed(handset)
        listed = phones.sight.apps.listed
        reporting = [name for name in phones.handsets if phones.sight.apps.reported(name)]
        return Json({"apps": [each.to_json() for each in listed], "reporting": reporting})

    async def voices(request: Request) -> Response:
        told = await body_of(request, "language")
        if told["language"] not in LANGUAGES:
            raise HTTPException(422, f"language: expected one of {', '.join(LANGUAGES)}")
        phones.language = told["language"]
        return Json({})

    async def sound(request: Request) -> Response:
        file = phones.recordings.file(request.path_params["file"])
        if file is None:
            raise HTTPException(404, "no such recording")
        return FileResponse(file, media_type="audio/wav")

    async def share(_: Request) -> Response:
        urls = {name: _url(doors, name) for name in phones.handsets}
        return Json({"shared": bool(doors.token), "phones": urls})

    async def code(request: Request) -> Response:
        handset = phone_of(stage, request.path_params["name"])
        return Response(_qr_code(_url(doors, handset.name)), media_type="image/svg+xml")

    return [
        Route("/phone/{name}", page),
        Route("/apps", apps_page),
        Route("/api/phones/{name}", phone, methods=["GET", "POST"]),
        Route("/api/apps/{name}", apps, methods=["POST"]),
        Route("/api/app-list", app_list, methods=["GET", "POST"]),
        Route("/api/voices", voices, methods=["POST"]),
        Route("/api/sound/{file}", sound),
        Route("/api/share", share),
        Route("/api/qr/{name}", code),
    ]


def _url(doors: Doors, name: str) -> str:
    """The address that leads to a handset, with the token that is for it alone."""
    path = quote(name, safe="")
    token = f"?token={guest_token(doors.token, name)}" if doors.token else ""
    return f"http://{doors.shown}/phone/{path}{token}"


def _qr_code(url: str) -> bytes:
    """The address as an SVG of black squares with the margin that cameras want (ISO/IEC 18004)."""
    out = io.BytesIO()
    segno.make(url, micro=False, error="m").save(out, kind="svg", scale=8, border=4, dark="#000", light="#fff")
    return out.getvalue()

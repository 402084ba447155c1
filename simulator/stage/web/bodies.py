"""Reads what pages send, small JSON objects, and answers in JSON."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from simulator.stage.error_words import error_words


class Json(Response):
    """An answer in JSON, as ASCII: what a SIP message said may hold halves of characters, which no UTF-8 can carry."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Its bytes."""
        return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


class Wrong(Json):
    """An answer that says what is wrong: `error` for programs, `words` for people."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__({"error": error, "words": error_words(error)}, status)


async def body_of(request: Request, *needed: str) -> dict[str, Any]:
    """The JSON object of a request, which has the keys `needed`. Raises HTTPException (400)."""
    try:
        found = json.loads(await request.body())
        json.dumps(found, ensure_ascii=False).encode()  # no halves of characters
    except (ValueError, RecursionError):
        raise HTTPException(400, "found no JSON") from None
    except ClientDisconnect:  # a phone that loses its network is nothing to tell the trainer of
        raise HTTPException(400, "half a request") from None
    if not isinstance(found, dict):
        raise HTTPException(400, "expected a JSON object")
    if missing := [name for name in needed if name not in found]:
        raise HTTPException(400, f"found no {', '.join(missing)}")
    return found


def text_of(body: dict[str, Any], name: str) -> str:
    """The text at a key. Raises HTTPException (422)."""
    found = body[name]
    if not isinstance(found, str):
        raise HTTPException(422, f"{name}: expected a text")
    return found

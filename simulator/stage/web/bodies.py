"""Reads what pages send: small JSON objects."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request


async def body_of(request: Request, *needed: str) -> dict[str, Any]:
    """The JSON object of a request, which has the keys `needed`. Raises HTTPException (400)."""
    try:
        found = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise HTTPException(400, "found no JSON") from None
    if not isinstance(found, dict):
        raise HTTPException(400, "expected a JSON object")
    if missing := [name for name in needed if name not in found]:
        raise HTTPException(400, f"found no {', '.join(missing)}")
    return found

"""The evidence of a call in words, from its line of calls.jsonl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def caller_saw(saw: Mapping[str, Any]) -> str:
    """The moments at which the caller heard ringing and the final answer, after the INVITE left."""
    if saw["sent"] is None:
        return saw["error"] or "sent nothing"

    def after(moment: float) -> str:
        return f"after {(moment - saw['sent']) * 1e3:.1f} ms"

    seen = [f"ringing {after(saw['ringing'])}"] if saw["ringing"] is not None else []
    if saw["status"] is not None:
        seen.append(f"{saw['status']} {after(saw['final'])}" if saw["final"] is not None else str(saw["status"]))
    seen += [saw["error"]] if saw["error"] else []
    return ", ".join(seen) or "heard nothing"


def phone_saw(saw: Mapping[str, Any], method: str) -> str:
    """The requests that reached the phone, and its answer."""
    if not saw["invites"]:
        return saw["error"] or f"saw no {method}"
    times = "" if saw["invites"] == 1 else f" {saw['invites']} times"
    answered = f", answered {saw['status']}" if saw["status"] is not None else ""
    return f"saw the {method}{times}{answered}" + (f"; {saw['error']}" if saw["error"] else "")

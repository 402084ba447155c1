"""The moments at which INVITEs left for a softswitch whose socket is not ours, from the proxy's log of messages."""

from __future__ import annotations

import json
import re
from pathlib import Path

from proxy.sip.uri import hostport
from simulator.addresses import Address

_INVITE = b'"message":"INVITE '
_FIRST = re.compile(r"\r\ncseq[ \t]*:[ \t]*1[ \t]", re.IGNORECASE)


def handed_over(log: Path, switch: Address) -> dict[str, float]:
    """The moment at which the proxy handed the INVITE of each call to the kernel, by Call-ID, in seconds of the
    monotonic clock.

    Calls whose callers were challenged before (their INVITE is not the first) are left out, and so are half a line,
    where there was no room, and all where there is no log.
    """
    found: dict[str, float] = {}
    if not log.exists():
        return found
    to = f'"to":"{hostport(*switch)}"'.encode()
    with log.open("rb") as lines:
        for line in lines:
            if to in line and _INVITE in line and line.endswith(b"\n"):
                said = json.loads(line)
                if _FIRST.search(said["message"]) and said["call_id"] is not None:
                    found.setdefault(said["call_id"], said["at"])
    return found

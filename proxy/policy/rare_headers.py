"""Headers of a request that few calls have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from proxy.sip.message import Request

RARE: Final = frozenset(("priority", "feature-caps", "require"))
NOTHING_RARE: Final = (False, False, False)
_KNOWS_608: Final = re.compile(r"\*[^,*]*;\s*\+sip\.608\s*(?:[;,]|$)", re.IGNORECASE)  # Feature-Caps (RFC 6809)


def rare_headers(request: Request) -> tuple[bool, bool, bool]:
    """`psap_callback`, `understands_608` and `insists_on_100rel` of a request."""
    return (
        is_psap_callback(request.headers("priority")),
        any(_KNOWS_608.search(value) for value in request.headers("feature-caps")),
        request.has("require") and "100rel" in map(str.lower, request.values("require")),
    )


def is_psap_callback(priorities: Iterable[str]) -> bool:
    """True where one of these Priority values is that of a callback from a control room (RFC 7090 section 5)."""
    return any(value.strip().lower() == "psap-callback" for value in priorities)

"""The parts of a URI that say a number."""

from __future__ import annotations

import re
from typing import Final

from proxy.sip.uri import unescape

_HOST_AS_NUMBER: Final = re.compile(r"\+?[0-9]+(?:[;?]|$)")  # phones show it as one


def number_part(text: str) -> str:
    """The user part of a SIP URI, without a password, or what follows tel:; any other text as it is."""
    scheme, colon, rest = text.partition(":")
    lowered = scheme.lower() if colon else ""
    if lowered in ("sip", "sips"):
        user, at, _ = rest.partition("@")
        user = user.partition(":")[0]  # the password, or the port, is no part of the number
        return user if at or _HOST_AS_NUMBER.match(user) else ""
    return rest if lowered == "tel" else text


def phone_context(params: str, longest: int) -> str:
    """The context of a number among its parameters (RFC 3966 5.1.5), at most so many characters; "" for none."""
    for param in params.split(";"):
        name, _, value = param.partition("=")
        if name.strip().lower() == "phone-context":
            return unescape(value.strip()[:longest])
    return ""

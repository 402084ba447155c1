"""The card that a 608 points to, as whoever fetches it would check it (RFC 8688 section 3.2.2)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.signing.jws import Key


def new_key(path: Path) -> Key:
    """Write a P-256 private key, made for one run, as PEM; returns it."""
    from proxy.signing import jws  # what signs is slow to import

    key = jws.new_key()
    path.write_bytes(jws.pem(key))
    return key


def whose(path: Path, key: Key) -> str:
    """The name on a card, a compact JWS (RFC 7515). Raises ValueError where the key did not sign it, or it is none."""
    from proxy.signing import jws

    try:
        properties = jws.verified(path.read_text(encoding="ascii"), key)["jcard"][1]
        return next(str(value) for name, _, _, value in properties if name == "fn")
    except (OSError, LookupError, TypeError, ValueError, StopIteration) as error:
        raise ValueError(f"{path.name} is no card that its key has signed ({error or type(error).__name__})") from error

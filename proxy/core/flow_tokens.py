"""Signed flow tokens for Record-Route and Path (RFC 5626 section 5.2).

A token in the user part of one of our Route URIs says where the outer side of a dialog or registration was met, so
that requests from the softswitch go back the same way: over the same connection, and never to an address that
somebody merely wrote into a header. Tokens in Record-Route are bound to the Call-ID and to who was called as well: a
request that carries one belongs to a dialog which passed the policy when it was set up.
"""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest
from typing import Final

from proxy.sip.flow import Flow

_MAC_BYTES: Final = 9
_REMEMBERED: Final = 8192
_LONGEST_REMEMBERED: Final = 256  # characters of token and Call-ID; longer ones would only fill the cache


class FlowTokens:
    """Makes and checks tokens. `secret` is at least 16 random bytes; tokens end with it."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = blake2b(digest_size=_MAC_BYTES, key=secret)  # copied, so that the secret is worked in but once
        # A dialog's requests carry the token that its INVITE was given a moment ago; the same numbers are called again.
        self._genuine: dict[tuple[str, str], Flow] = {}  # by token and Call-ID
        self._numbers: dict[str, str] = {}  # and their MACs

    def make(self, flow: Flow, call_id: str = "", number: str = "") -> str:
        """A token for the user part of a SIP URI, such as `udp.0.5071.127.0.0.1!9d01…~0c6f…`.

        `number` is whom the dialog is with, on the side of the softswitch; see `is_about`.
        """
        text = f"{flow[0]}.{flow[3]}.{flow[2]}.{flow[1].replace(':', '_')}"
        if number:
            text = f"{text}!{self._mac_of(number)}"
        token = f"{text}~{self._mac(text, call_id)}"
        self._remember(token, call_id, flow)
        return token

    def is_about(self, token: str, *numbers: str) -> bool:
        """True for a genuine token of a dialog with one of those numbers."""
        mac = token.rpartition("~")[0].rpartition("!")[2]
        return any(compare_digest(mac, self._mac_of(number)) for number in numbers if number)

    def read(self, token: str, call_id: str = "") -> Flow | None:
        """The flow that a token of ours names; None for any other text."""
        flow = self._genuine.get((token, call_id))
        if flow is None:
            text, tilde, mac = token.rpartition("~")
            if not tilde or not mac.isascii() or not compare_digest(mac, self._mac(text, call_id)):
                return None
            transport, local, port, host = text.split(".", 3)
            flow = Flow(transport, host.partition("!")[0].replace("_", ":"), int(port), int(local))
            self._remember(token, call_id, flow)
        return flow

    def _remember(self, token: str, call_id: str, flow: Flow) -> None:
        if len(token) + len(call_id) <= _LONGEST_REMEMBERED:
            if len(self._genuine) >= _REMEMBERED:
                self._genuine.clear()
            self._genuine[token, call_id] = flow

    def _mac_of(self, number: str) -> str:
        mac = self._numbers.get(number)
        if mac is None:
            mac = self._mac(number, "")
            if len(number) <= _LONGEST_REMEMBERED:
                if len(self._numbers) >= _REMEMBERED:
                    self._numbers.clear()
                self._numbers[number] = mac
        return mac

    def _mac(self, text: str, call_id: str) -> str:
        digest = self._keyed.copy()
        digest.update(f"{text}\n{call_id}".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

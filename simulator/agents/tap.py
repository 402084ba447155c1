"""A tap on sockets: what passes there, each message once."""

from __future__ import annotations

from collections.abc import Callable

from proxy.observability.message_log import is_message
from simulator.addresses import Address

# Takes the moment (seconds of `time.monotonic`), the bytes, the transport, the sender's address and the receiver's.
Hear = Callable[[float, bytes, str, Address, Address], None]


class Tap:
    """Hands messages to `hear` as they leave a socket that it is on, or as they come there from any other.

    So what two such sockets tell each other is heard once, when it is sent. Sound goes to `hear_media`, where that is
    given, in the same way.
    """

    def __init__(self, hear: Hear, hear_media: Hear | None = None) -> None:
        self._hear = hear
        self.hear_media = hear_media
        self.addresses: set[Address] = set()
        self._media: set[Address] = set()

    def put_on(self, address: Address) -> None:
        """Hear what passes at this address, whose socket tells of it by `sent` and `received`."""
        self.addresses.add(address)

    def sent(self, at: float, data: bytes, sender: Address, receiver: Address) -> None:
        """A datagram left a socket of ours."""
        if is_message(data):
            self._hear(at, data, "udp", sender, receiver)

    def received(self, at: float, data: bytes, sender: Address, receiver: Address) -> None:
        """A datagram came to a socket of ours."""
        if sender not in self.addresses and is_message(data):
            self._hear(at, data, "udp", sender, receiver)

    def put_on_media(self, address: Address) -> None:
        """Hear the sound that passes at this address, until `take_off_media`."""
        self._media.add(address)

    def take_off_media(self, address: Address) -> None:
        """Hear nothing there any more: another socket may get it next."""
        self._media.discard(address)

    def media_sent(self, at: float, data: bytes, sender: Address, receiver: Address) -> None:
        """A packet of sound left a port of ours."""
        if self.hear_media is not None:
            self.hear_media(at, data, "udp", sender, receiver)

    def media_received(self, at: float, data: bytes, sender: Address, receiver: Address) -> None:
        """A packet of sound came to a port of ours."""
        if self.hear_media is not None and sender not in self._media:
            self.hear_media(at, data, "udp", sender, receiver)

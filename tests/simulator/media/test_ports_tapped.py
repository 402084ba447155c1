"""A tap on the ports of sound: it is told of each packet that they send and get."""

from __future__ import annotations

import asyncio
import socket

from simulator.addresses import Address
from simulator.media.ports import RtpMedia
from simulator.media.rtp import Packet
from simulator.media.sdp import Stream
from tests.plays.contract_lab import until

SOUND = bytes(Packet(0, 1, 160, 7, b"sound"))


class Heard:
    """A tap that writes down what it is told."""

    def __init__(self) -> None:
        self.open: list[Address] = []
        self.told: list[tuple[str, bytes, Address, Address]] = []

    def put_on_media(self, address: Address) -> None:
        self.open.append(address)

    def take_off_media(self, address: Address) -> None:
        self.open.remove(address)

    def media_sent(self, _at: float, data: bytes, sender: Address, receiver: Address) -> None:
        self.told.append(("sent", data, sender, receiver))

    def media_received(self, _at: float, data: bytes, sender: Address, receiver: Address) -> None:
        self.told.append(("received", data, sender, receiver))


async def test_a_tap_is_told_of_every_packet_in_both_directions_as_long_as_the_port_is_open() -> None:
    heard = Heard()
    media = RtpMedia("127.0.0.1", tap=heard)
    port = media.open()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.setblocking(False)
        phone.bind(("127.0.0.1", 0))
        beyond = phone.getsockname()
        port.direct(Stream(beyond, 0, "PCMU", None, heard=True))
        assert heard.open == [port.address]
        port.send(Packet(0, 1, 160, 7, b"sound"))
        assert await asyncio.get_running_loop().sock_recv(phone, 2048) == SOUND
        phone.sendto(SOUND, port.address)
        await until(lambda: len(heard.told) == 2)
        media.close()
    assert heard.told == [("sent", SOUND, port.address, beyond), ("received", SOUND, beyond, port.address)]
    assert heard.open == []

"""Session descriptions (RFC 8866) and their offer and answer (RFC 3264), for one stream of G.711 with its digits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address

from simulator.addresses import Address
from simulator.media.g711 import Law

_LAWS: dict[int, Law] = {0: "PCMU", 8: "PCMA"}  # static payload types (RFC 3551 6)
_EVENTS = 101  # our payload type for telephone-event
_PORT = re.compile(r"[0-9]{1,5}")
_TYPE = re.compile(r"[0-9]{1,2}|1[01][0-9]|12[0-7]")
_RTPMAP = re.compile(r"rtpmap:([0-9]{1,3}) +([\w-]+)/8000(?:/1)?", re.IGNORECASE)
_MIRRORED = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_HOLD = "0.0.0.0"  # how RFC 2543 put a call on hold


class NotAcceptable(Exception):
    """No stream that we could take part in: 488."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The other side's end: where it is, and what it takes. `events` is the payload type of its digits, if any.
    `heard` is False while it does not want to hear us (hold, or port 0). Payload types hold in both directions."""

    address: Address
    payload_type: int
    law: Law
    events: int | None
    heard: bool = True

    def law_of(self, payload_type: int) -> Law | None:
        """The coding of a packet that comes from it."""
        return self.law if payload_type == self.payload_type else _LAWS.get(payload_type)


@dataclass(slots=True)
class _Media:
    """An m= line and what belongs to it."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    host: str
    direction: str
    maps: dict[int, str] = field(default_factory=dict)  # encoding name in upper case, by payload type

    def law(self, payload_type: int) -> Law | None:
        name = self.maps.get(payload_type, _LAWS.get(payload_type))
        return "PCMU" if name == "PCMU" else "PCMA" if name == "PCMA" else None

    def stream(self) -> Stream | None:
        """The stream, where it is one that we can take part in."""
        if self.kind != "audio" or self.protocol != "RTP/AVP" or not self.host:
            return None
        types = [int(each) for each in self.formats if _TYPE.fullmatch(each)]
        events = next((each for each in types if self.maps.get(each) == "TELEPHONE-EVENT"), None)
        for payload_type in types:
            if law := self.law(payload_type):
                heard = self.port != 0 and self.host != _HOLD and self.direction in ("sendrecv", "recvonly")
                return Stream((self.host, self.port), payload_type, law, events, heard)
        return None


def _parse(body: bytes) -> list[_Media]:
    host, direction, found = "", "sendrecv", list[_Media]()
    for line in body.decode("utf-8", "replace").splitlines():
        kind, _, value = line.partition("=")
        words = value.split()
        if kind == "m" and len(words) > 3 and _PORT.fullmatch(words[1]):
            found.append(_Media(words[0], min(int(words[1]), 65535), words[2], words[3:], host, direction))
        elif kind == "m":
            raise NotAcceptable(f"m={value[:60]}")
        elif kind == "c" and len(words) == 3:
            if found:
                found[-1].host = _ip(words[2])
            else:
                host = _ip(words[2])
        elif kind == "a" and value in ("sendrecv", *_MIRRORED):
            if found:
                found[-1].direction = value
            else:
                direction = value
        elif kind == "a" and found and (match := _RTPMAP.fullmatch(value.strip())):
            found[-1].maps[int(match[1])] = match[2].upper()
    return found


def _ip(text: str) -> str:
    """Nothing here asks a DNS."""
    try:
        return str(ip_address(text))
    except ValueError:
        raise NotAcceptable(f"no IP address: {text[:60]}") from None


class Negotiation:
    """Our end of a session at one address. `stream` is the other end, as it was last agreed upon."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._version = 0
        self.stream: Stream | None = None

    def offer(self) -> bytes:
        """An offer of PCMU, PCMA and digits."""
        return self._describe([self._audio("0 8", [(0, "PCMU"), (8, "PCMA")], _EVENTS, "sendrecv")])

    def take_answer(self, body: bytes) -> None:
        """The other side's answer to our offer. Raises NotAcceptable where it takes no part."""
        media = _parse(body)
        stream = media[0].stream() if media else None
        if stream is None or media[0].port == 0:
            raise NotAcceptable("the answer has no G.711 stream")
        self.stream = stream

    def answer(self, body: bytes) -> bytes:
        """Answer an offer: the first G.711 stream is taken, the others are refused with port 0 (RFC 3264 6).

        Raises NotAcceptable where there is none. One that the other side ended itself (port 0) in a session that
        had it is agreed to, and not heard any more.
        """
        lines, taken = list[str](), None
        for media in _parse(body):
            stream = media.stream() if taken is None and (media.port or self.stream) else None
            if stream is None:
                lines.append(f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}")
                continue
            taken = stream
            if media.port == 0:
                lines.append(f"m=audio 0 RTP/AVP {stream.payload_type}")
                continue
            direction = _MIRRORED.get(media.direction, "sendrecv")
            known = [(stream.payload_type, stream.law)]
            lines.append(self._audio(str(stream.payload_type), known, stream.events, direction))
        if taken is None:
            raise NotAcceptable("the offer has no G.711 stream")
        self.stream = taken
        return self._describe(lines)

    def _describe(self, media: list[str]) -> bytes:
        host = self._address[0]
        family = "IP6" if ":" in host else "IP4"
        self._version += 1
        # The port names the session: no two have the same at the same time.
        lines = (
            "v=0",
            f"o=- {self._address[1]} {self._version} IN {family} {host}",
            "s=-",
            f"c=IN {family} {host}",
            "t=0 0",
            *media,
        )
        return "".join(f"{line}\r\n" for line in lines).encode()

    def _audio(self, formats: str, laws: list[tuple[int, Law]], events: int | None, direction: str) -> str:
        digits = [] if events is None else [f"a=rtpmap:{events} telephone-event/8000", f"a=fmtp:{events} 0-15"]
        return "\r\n".join(
            (
                f"m=audio {self._address[1]} RTP/AVP {formats}{'' if events is None else f' {events}'}",
                *(f"a=rtpmap:{number} {law}/8000" for number, law in laws),
                *digits,
                "a=ptime:20",
                f"a={direction}",
            )
        )

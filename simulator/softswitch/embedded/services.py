"""Services of the switch itself to callers, when the proxy asks for them by a user part `rf*SERVICE*ARGUMENT`.

| user part | what happens |
|---|---|
| `rf*announce*PROMPT` | 183 with early media, the prompt once, 603; never answered |
| `rf*play*PROMPT` | 200, the prompt once, BYE |
| `rf*voicemail*NUMBER` | 200, a prompt, then the caller is recorded for at most 60 s |
| `rf*honeypot*NUMBER` | 200, a prompt again and again, and the caller recorded, for at most 300 s |
| `rf*challenge*DIGIT*NUMBER` | 200, a prompt that asks for the digit; who presses it is put through to the number |
| `rf*warn*NUMBER` | calls the number; whoever answers hears a warning, which any key skips, before they are connected |
"""

from __future__ import annotations

from functools import partial

from proxy.core.treatment import is_dialable
from simulator.agents.endpoint import Incoming
from simulator.agents.uas import user_part
from simulator.softswitch.embedded.media_leg import Service, Studio
from simulator.softswitch.embedded.passthrough import Exchange
from simulator.softswitch.embedded.put_through import Challenge, Warn

VOICEMAIL = 60.0  # seconds of recording at most
HONEYPOT = 300.0
HONEYPOT_PAUSE = 2.0  # seconds in which the caller may talk
_PREFIX = "rf*"


class _Saying(Service):
    """Says the prompt that it is asked for."""

    def read(self, argument: str) -> None:
        self._prompt = self.studio.prompt(argument)


class Announce(_Saying):
    """Says why, without ever answering. Without an offer there is no early media, and so nothing to hear."""

    def started(self, now: float) -> None:
        if self.near.agreed:
            self.respond(183, now, [("P-Early-Media", "sendrecv")])
            self.near.port.play(self._prompt, partial(self.refuse, 603))
        else:
            self.refuse(603, now)


class Play(_Saying):
    """Says something and hangs up."""

    def established(self, _now: float) -> None:
        self.near.port.play(self._prompt, self.end)


class Voicemail(Service):
    """Takes a message."""

    def established(self, _now: float) -> None:
        self.near.port.play(self.studio.prompt("voicemail"), self._record)

    def _record(self, now: float) -> None:
        self.record("voicemail", VOICEMAIL)
        self.later(VOICEMAIL, now, self.end)


class Honeypot(Service):
    """Keeps the caller talking."""

    def established(self, now: float) -> None:
        self.record("honeypot", HONEYPOT)
        self.later(HONEYPOT, now, self.end)
        self._talk(now)

    def _talk(self, _now: float) -> None:
        self.near.port.play(self.studio.prompt("honeypot"), self._pause)

    def _pause(self, now: float) -> None:
        self.later(HONEYPOT_PAUSE, now, self._talk)


_SERVICES: dict[str, type[Service]] = {
    "announce": Announce,
    "play": Play,
    "voicemail": Voicemail,
    "honeypot": Honeypot,
    "challenge": Challenge,
    "warn": Warn,
}


def asks_for_service(user: str) -> bool:
    """True if a user part is a request to the switch, and no number."""
    return user.startswith(_PREFIX)


def serve(switch: Exchange, studio: Studio, incoming: Incoming, now: float) -> None:
    """Take a call to a service: 404 where there is none of that name, 503 where no port for sound is left."""
    user = user_part(incoming.request.uri)
    name, _, argument = user.removeprefix(_PREFIX).partition("*")
    try:
        if not is_dialable(user):
            raise LookupError("an odd argument")
        service = _SERVICES[name](switch, studio, incoming, argument)
    except LookupError:
        incoming.reply(404, now)
    except OSError:
        incoming.reply(503, now)
    else:
        service.start(now)

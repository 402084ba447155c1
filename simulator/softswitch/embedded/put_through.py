"""Services that put the caller through to a number, with the sound of both sides passing through the switch."""

from __future__ import annotations

from functools import partial

from proxy.sip.message import Request, Response
from simulator.agents.dialog import address_header
from simulator.agents.leg import Leg
from simulator.agents.scheduler import Timer
from simulator.media.sdp import NotAcceptable
from simulator.softswitch.embedded.branches import Branches
from simulator.softswitch.embedded.media_leg import MediaLeg, Service, with_sdp
from simulator.softswitch.embedded.passthrough import Destination, onward, passed_on, shown_from

ANSWER_TIME = 5.0  # seconds to press the key after the question
QUESTIONS = 2
LONGEST_TALK = 4 * 3600.0  # seconds after which a call that both sides forgot is ended


class PutThrough(Service):
    """The common part of both: a far side, and the way to it."""

    far: MediaLeg | None = None  # whoever answered
    _branches: Branches
    _ringing: list[MediaLeg]
    _ringing_ends: Timer

    def reached(self, far: MediaLeg, now: float, /) -> None:
        """The number has answered."""

    def not_reached(self, status: int, now: float, response: Response | None = None, /) -> None:
        """It has not: `status` says why, and so does its response where there is one."""

    def call(self, number: str, now: float) -> None:
        """Call the number as any call goes to it, but offer our own sound."""
        self._branches, self._ringing = Branches(), []
        destinations = self.switch.route(self.request, number, now)
        if isinstance(destinations, int):
            self.not_reached(destinations, now)
            return
        for destination in destinations:
            try:
                media_leg = self.open_media_leg()
            except OSError:
                break
            self._ring(media_leg, destination, now)
        if not self._ringing:
            self.not_reached(503, now)
            return
        self._ringing_ends = self.later(self.switch.ring_time, now, partial(self._give_up, 480))

    def _ring(self, media_leg: MediaLeg, destination: Destination, now: float) -> None:
        media_leg.leg = Leg.call(
            self.switch.endpoint,
            self,
            destination.uri,
            call_id=self.switch.endpoint.new_tag(),
            from_=shown_from(self.request),
            to=address_header(self.request.to),
            next_hop=destination.next_hop,
            now=now,
            headers=with_sdp(onward(self.request, destination, body=False)),
            body=media_leg.offer(),
        )
        self._ringing.append(media_leg)
        self._branches.add(media_leg.leg)

    def connect(self, far: MediaLeg, now: float) -> None:
        """Let both hear each other."""
        self.near.port.pass_on_to(far.port)
        far.port.pass_on_to(self.near.port)
        self.later(LONGEST_TALK, now, self.end)

    def _give_up(self, status: int, now: float, response: Response | None = None) -> None:
        """Nobody is of interest any more, whatever they still say."""
        ringing, self._ringing, self.far = self._ringing, [], None
        if self.over or not ringing:
            return
        self._ringing_ends.cancel()
        self._branches.cancel(now)
        for media_leg in ringing:
            media_leg.port.close()
            media_leg.leg.hang_up(now)
        self.not_reached(status, now, response)

    def answered(self, leg: Leg, response: Response, now: float) -> None:
        if self.over or not self._branches.answered(leg, now):
            return  # the answer crossed our CANCEL: the leg itself says BYE
        self._ringing_ends.cancel()
        leg.acknowledge(now)
        for media_leg in self._ringing:
            if media_leg.leg is leg:
                self.far = media_leg
            else:
                media_leg.port.close()
        assert self.far is not None  # noqa: S101  # a branch is the leg of a side that rings
        try:
            self.far.take_answer(response)
        except NotAcceptable:
            self._give_up(488, now)
        else:
            self._ringing = []
            self.reached(self.far, now)

    def refused(self, leg: Leg, response: Response, now: float) -> None:
        if outcome := self._branches.refused(leg, response, now):
            self._give_up(outcome[0], now, outcome[1])

    def unanswered(self, leg: Leg, now: float) -> None:
        if outcome := self._branches.refused(leg, None, now):
            self._give_up(outcome[0], now)


class Challenge(PutThrough):
    """Asks the caller to press a key. Who does is put through; who does not never rings the phone."""

    def read(self, argument: str) -> None:
        self._digit, _, self._number = argument.partition("*")
        self._question = self.studio.prompt(f"challenge-{self._digit}")
        if not self._number:
            raise LookupError("no number")
        self._asked = 0
        self._patience_ends: Timer | None = None

    def established(self, now: float) -> None:
        self.near.port.listen(self._pressed)
        self._ask(now)

    def _ask(self, now: float) -> None:
        if self._asked < QUESTIONS:
            self._asked += 1
            self.near.port.play(self._question, self._wait)
        else:
            self._farewell(now)

    def _wait(self, now: float) -> None:
        self._patience_ends = self.later(ANSWER_TIME, now, self._ask)

    def _pressed(self, digit: str, now: float) -> None:
        self.near.port.silence()
        if self._patience_ends is not None:
            self._patience_ends.cancel()
        if digit == self._digit:
            self.near.port.listen(None)
            self.call(self._number, now)
        else:  # a wrong key is an answer too: who tries them all does not get through
            self._ask(now)

    def _farewell(self, _now: float) -> None:
        self.near.port.listen(None)
        self.near.port.play(self.studio.prompt("goodbye"), self.end)

    def reached(self, far: MediaLeg, now: float) -> None:
        self.connect(far, now)

    def not_reached(self, _status: int, now: float, _response: Response | None = None) -> None:
        self._farewell(now)


class Warn(PutThrough):
    """Warns whoever answers, before the caller gets through."""

    def read(self, argument: str) -> None:
        self._number = argument
        if not argument:
            raise LookupError("no number")

    def started(self, now: float) -> None:
        self.near.leg.respond(100, now)
        self.call(self._number, now)

    def progressed(self, _leg: Leg, response: Response, now: float) -> None:
        if response.status > 100:
            self.near.leg.respond(response.status, now, reason=response.reason, headers=passed_on(response, body=False))

    def reached(self, far: MediaLeg, _now: float) -> None:
        far.port.listen(lambda _digit, now: self._let_through(far, now))
        far.port.play(self.studio.prompt("warning"), lambda now: self._let_through(far, now))

    def _let_through(self, far: MediaLeg, now: float) -> None:
        far.port.listen(None)
        far.port.silence()
        self.respond(200, now)
        self.connect(far, now)

    def not_reached(self, status: int, now: float, response: Response | None = None) -> None:
        reason = response.reason if response is not None and response.status == status else None
        headers = passed_on(response, body=False) if response is not None else []
        self.near.leg.respond(status, now, reason=reason, headers=headers)
        self.end(now)

    def hung_up(self, leg: Leg, request: Request, now: float) -> None:
        if self.near.leg.ringing:
            self.refuse(603, now)
        super().hung_up(leg, request, now)

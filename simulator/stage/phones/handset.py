"""One subscriber's phone, as its owner holds it: it rings until told, calls, takes texts, and can be talked by.

Sans-IO: the line that it hangs on tells the time, places what it dials, and opens its sound. Where nobody holds it, it
does what was planned for a call.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from proxy.sip.errors import SipError
from proxy.sip.headers import parse_name_addr
from simulator.agents.listening import Call, PhoneListener, Sound
from simulator.agents.orders import BUSY, RING_ONLY, Behaviour, IncomingCall, OutgoingCall
from simulator.agents.uas import UasCall, user_part
from simulator.stage.masking import text_without_pin, without_pin

TEXTS = 50  # that a phone keeps
RECENT = 30  # calls that it lists
LONGEST_TEXT = 500  # characters of a text that it sends
_NAME = 200  # characters of a name or number that it shows
_SHOWN = 8192  # characters of a text that it shows
_DIALLED = re.compile(r"\+?[0-9*#]{1,40}")
_KEYS = re.compile(r"[0-9*#]{1,32}")
State = Literal["ringing", "calling", "talking"]


class Unable(ValueError):
    """A phone cannot do what it is told to; says why."""


class LiveSound(Sound, Protocol):
    """The sound of a call that can be talked by."""

    def hear(self, ear: Callable[[bytes], None] | None) -> None:
        """Hear the other side, as 16-bit samples, 8000 a second, from now on; None: no longer."""

    def speak(self, samples: bytes) -> None:
        """Say something now."""

    def press(self, keys: str) -> bool:
        """Press keys; False where the other side takes none by sound."""


class Line(Protocol):
    """The line that a phone hangs on."""

    def now(self) -> float:
        """The time, in seconds of the clock of agents."""

    def today(self) -> float:
        """The time, in seconds since 1970."""

    def place(self, handset: Handset, number: str, text: str | None) -> None:
        """Have it call, or send a text."""

    def sound(self, call: str) -> LiveSound | None:
        """The sound of its side of a call; None where there is none left, or nobody would talk."""

    def got_text(self, handset: Handset, text: Text) -> None:
        """A text has come."""

    def changed(self, handset: Handset) -> None:
        """Something of it is no longer as it was; send what it was told to say."""


@dataclass(slots=True)
class Held:
    """A call that the phone is in. `id` is the Call-ID at the caller's side; `since` is in seconds since 1970."""

    id: str
    incoming: bool
    peer: str
    display_name: str
    since: float
    state: State
    call: Call | None = None
    sound: LiveSound | None = None
    answered: bool = False
    speaker: object = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text that came or, where `to` is given, that was sent. `at` is in seconds since 1970."""

    call: str
    at: float
    from_: str
    body: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """A call that is over; `seconds` from its answer, None where there was none."""

    id: str
    at: float
    incoming: bool
    peer: str
    display_name: str
    seconds: float | None
    status: int | None


class Handset(PhoneListener):
    """A phone. `holders` are those who have it in their hands: with none, it does what was planned.

    Commands raise Unable where they make no sense now.
    """

    def __init__(self, name: str, number: str, line: Line) -> None:
        self.name = name
        self.number = number
        self.holders: set[object] = set()
        self.aside = False  # a softphone has taken its place
        self.ears: set[Callable[[bytes], None]] = set()
        self.texts: deque[Text] = deque(maxlen=TEXTS)
        self.recent: deque[Past] = deque(maxlen=RECENT)
        self._line = line
        self._calls: dict[str, Held] = {}
        self._sounds: dict[str, LiveSound] = {}

    @property
    def held(self) -> Held | None:
        """The call that it shows: the latest that it is in."""
        return next(reversed(self._calls.values()), None)

    # --- what its owner does

    def hold(self, holder: object) -> None:
        """Take it into one's hands: from now on it rings until it is told."""
        self.holders.add(holder)
        self._line.changed(self)

    def let_go(self, holder: object) -> None:
        """Put it down."""
        if holder in self.holders:
            self.holders.discard(holder)
            self._line.changed(self)

    def answer(self, call: object = None) -> None:
        """Take the call that rings; where its id is given no other one, which its owner may not have seen yet."""
        self._ringing(call).respond(200, self._line.now())
        self._line.changed(self)

    def hang_up(self, call: object = None) -> None:
        """End the call, or refuse the one that rings; where its id is given no other one."""
        held = self.held
        if held is None or held.call is None or call not in (None, held.id):
            raise Unable("there is no call to end")
        held.call.hang_up(self._line.now())
        self._line.changed(self)

    def press(self, keys: str) -> None:
        """Press keys in the call: by its sound (RFC 4733), or else by INFO."""
        held = self.held
        if not _KEYS.fullmatch(keys):
            raise Unable("expected keys 0 to 9, * and #")
        if held is None or held.call is None or not held.answered:
            raise Unable("keys are pressed in a call")
        if held.sound is None or not held.sound.press(keys):
            for key in keys:
                body = f"Signal={key}\r\nDuration=100\r\n".encode()
                held.call.inform(body, "application/dtmf-relay", self._line.now())
        self._line.changed(self)

    def dial(self, number: str) -> None:
        """Call a number, or order something by a star code."""
        dialled = re.sub(r"[\s().\-/]", "", number[:80])
        if not _DIALLED.fullmatch(dialled):
            raise Unable("expected a number, or a star code such as *354*PIN#")
        if self._calls:
            raise Unable("there is a call already")
        self._line.place(self, dialled, None)
        self._line.changed(self)

    def text(self, number: str, body: str) -> None:
        """Send a text."""
        if not _DIALLED.fullmatch(number):
            raise Unable("expected a number to send the text to")
        if not body.strip() or len(body) > LONGEST_TEXT:
            raise Unable(f"expected a text of at most {LONGEST_TEXT} characters")
        if not _is_whole(body):
            raise Unable("expected whole characters")
        shown = Text("", self._line.today(), self.number, text_without_pin(body), without_pin(number))
        self.texts.append(shown)
        self._line.place(self, number, body)
        self._line.changed(self)

    def speak(self, samples: bytes, holder: object) -> None:
        """Say something in the call, as 16-bit samples, 8000 a second. Of those who hold the phone, who spoke first in
        the call does; where there is none, nothing is said."""
        held = self.held
        if held is None or not held.answered or held.sound is None:
            return
        if held.speaker not in self.holders:
            held.speaker = holder
        if held.speaker is holder:
            held.sound.speak(samples)

    def dials(self, call: str, number: str) -> LiveSound | None:
        """A call of its own goes out now; returns its sound."""
        sound = self._sound(call)
        self._calls[call] = Held(
            call, False, without_pin(number)[:_NAME], "", self._line.today(), "calling", None, sound
        )
        return sound

    def _ringing(self, call: object) -> UasCall:
        held = self.held
        if held is None or call not in (None, held.id) or held.state != "ringing" or not isinstance(held.call, UasCall):
            raise Unable("nothing rings")
        return held.call

    # --- what happens to it

    def takes(self, taken: IncomingCall, planned: Behaviour) -> tuple[Behaviour, Sound | None]:
        """Ring until told where somebody holds it, and be busy while they are in a call."""
        if self.holders and self._calls:
            return BUSY, None
        sound = self._sound(taken.call)
        if sound is not None:
            self._sounds[taken.call] = sound
        return RING_ONLY if self.holders else planned, sound

    def placed(self, call: Call, _now: float) -> None:
        held = self._held(call)
        if held is not None:
            held.call = call

    def rings(self, call: Call, _now: float) -> None:
        record = call.record
        if isinstance(record, IncomingCall):
            sound = self._sounds.pop(record.call, None)
            peer, shown = _who(record.from_)
            held = Held(record.call, True, peer, shown, self._line.today(), "ringing", call, sound)
            self._calls[record.call] = held
            self._line.changed(self)

    def established(self, call: Call, _now: float) -> None:
        held = self._held(call)
        if held is not None:
            held.call, held.state, held.answered, held.since = call, "talking", True, self._line.today()
            self._line.changed(self)

    def ended(self, call: Call, _now: float) -> None:
        held = self._held(call)
        if isinstance(call.record, IncomingCall):
            self._sounds.pop(call.record.call, None)
        if held is None:
            return
        del self._calls[held.id]
        today = self._line.today()
        seconds = today - held.since if held.answered else None
        record = call.record
        self.recent.append(Past(held.id, today, held.incoming, held.peer, held.display_name, seconds, record.status))
        self._line.changed(self)

    def got_text(self, taken: IncomingCall, _now: float) -> None:
        peer, _ = _who(taken.from_)
        body = text_without_pin(taken.body.decode("utf-8", "replace"))[:_SHOWN]
        text = Text(taken.call, self._line.today(), peer, body)
        self.texts.append(text)
        self._line.got_text(self, text)
        self._line.changed(self)

    def _held(self, call: Call) -> Held | None:
        record = call.record
        return self._calls.get(record.order.call_id if isinstance(record, OutgoingCall) else record.call)

    def _sound(self, call: str) -> LiveSound | None:
        sound = self._line.sound(call)
        if sound is not None:
            sound.hear(self._hear)
        return sound

    def _hear(self, samples: bytes) -> None:
        for ear in (*self.ears,):
            ear(samples)


def _who(from_: str) -> tuple[str, str]:
    """The number and the name that a phone shows of a caller."""
    try:
        shown = parse_name_addr(from_)
    except SipError:
        return "", ""
    return user_part(shown.uri)[:_NAME], shown.display_name[:_NAME]


def _is_whole(text: str) -> bool:
    """False for a text with half a character in it, which no UTF-8 can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

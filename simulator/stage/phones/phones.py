"""All phones of the stage in the lab that stands: their owners, their line, the callers who speak, and who is told."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from proxy.policy.snapshot import Snapshot
from proxy.presets import preset
from simulator.agents.listening import NOBODY, Call, CallListener, PhoneListener, Sound
from simulator.agents.orders import Order
from simulator.lab.company import Company
from simulator.lab.lab_spec import LOCALHOST, digest_user
from simulator.media.ports import RtpMedia
from simulator.stage.events import Ended, Event, Heard, Judged, Phone, Settings
from simulator.stage.hub import Hub
from simulator.stage.phones.apps import Apps
from simulator.stage.phones.handset import Handset, LiveSound, Text, Unable
from simulator.stage.phones.live_sound import LiveCallSound
from simulator.stage.phones.lookout import Lookout
from simulator.stage.phones.recorded import LONGEST, Recordings
from simulator.stage.phones.softphones import Softphones
from simulator.stage.phones.speaker import Speaker, words
from simulator.stage.phones.view import Sight
from simulator.stage.standing import Standing
from simulator.traffic.planned_call import PlannedCall

OWN = "handset"  # the campaign of what subscribers themselves call and text
_PORTS = 32  # sides of calls that are heard at a time
_RINGS = 60.0  # seconds that somebody who holds the phone may let it ring
_TALKS = 180.0  # seconds of talk with somebody who holds the phone, at most
_FAR_RINGS = 2.0  # seconds until somebody outside answers
_GLANCE = 0.5  # seconds between two looks for softphones
_LATER = 1.0  # seconds after which recordings of a softswitch are there


class Phones(Company):
    """The handsets by name; `begin` hangs them on the lab, once it stands. Needs a running event loop.

    Calls that come by themselves make no sound. `language` is that of callers, `on_change` hears of each phone that is
    no longer as it was, `on_answer` of a text from the operator.
    """

    sight: Sight

    def __init__(self, standing: Standing, names: Iterable[str], hub: Hub) -> None:
        subscribers = standing.spec.subscribers
        self.handsets = {name: Handset(name, subscribers[name].number, self) for name in names}
        self.recordings = Recordings(standing.folder)
        self.language = "en"
        self.on_change: list[Callable[[Handset], None]] = []
        self.on_answer: Callable[[], None] = lambda: None
        self._standing = standing
        self._hub = hub
        self._names = {each.number: name for name, each in subscribers.items()}
        self._by_number = {each.number: each for each in self.handsets.values()}
        self._access = next(name for name, kind in standing.spec.trunks.items() if kind == "access")
        self._media = RtpMedia(LOCALHOST, _PORTS)
        self._media.after = lambda: None
        self._numbers = itertools.count(1)
        self._stands = True
        self._changed: dict[str, Handset] = {}
        self._loop = asyncio.get_running_loop()
        self._shown: dict[str, tuple[str, str]] = {}

    def begin(self, snapshot: Snapshot) -> None:
        """Have the lab's phones be these; their apps warn by the lists of the snapshot. Raises FileErrors."""
        vocabulary = preset.load(self._standing.spec.preset).vocabulary
        host, port = self._standing.lab.next_hop
        subscribers = self._standing.spec.subscribers
        accounts = {name: (digest_user(name, subscribers[name]), subscribers[name].password) for name in self.handsets}
        self.sight = Sight(vocabulary, Lookout(snapshot), Apps(), f"{host}:{port}", accounts)
        self._standing.lab.wire.keep_company(self)
        self._hub.hearers.append(self._happened)

    def allow(self, handset: Handset, number: str) -> None:
        """Let a refused caller through, as a notice on this phone says how: by a text. Raises Unable."""
        told = (self.sight.refused_caller(text, handset, self._hub.state) for text in handset.texts if not text.to)
        order = self.sight.order_to_allow(number) if number in told else None
        if order is None:
            raise Unable("no notice on this phone tells of that caller")
        body, service = order
        handset.text(service, body)

    async def keep_registered(self) -> None:
        """Look after registrations for ever: the phones stay registered, and step aside for softphones."""
        softphones = Softphones(self._standing.lab, self._renewed)
        while True:
            await softphones.look(self.handsets.values(), self.now())
            await asyncio.sleep(_GLANCE)

    def _renewed(self, handset: Handset, aside: bool) -> None:
        handset.aside = aside
        self.changed(handset)

    def close(self) -> None:
        """Give the ports back; nobody hangs up any more."""
        self._stands = False
        self._media.close()

    @property
    def open_sounds(self) -> int:
        """The number of sides of calls that are heard now."""
        return len(self._media.ports)

    # --- the company of the lab

    def owner(self, number: str) -> PhoneListener | None:
        """The handset of that number."""
        return self._by_number.get(number)

    def goes_along(self, call: PlannedCall, order: Order) -> tuple[Order, Sound | None, CallListener]:
        """A call of a handset is its own; another one speaks, and has patience where somebody holds the phone."""
        caller = self.handsets.get(call.caller_name or "")
        if caller is not None and call.campaign == OWN:
            if call.method == "MESSAGE":
                return order, None, NOBODY
            return replace(order, patience=_RINGS, talk=None), caller.dials(call.id, call.callee), caller
        if call.method == "MESSAGE" or self._standing.comes_by_itself(call.id):
            return order, None, NOBODY
        callee = self.handsets.get(call.callee_name or "")
        if callee is not None and callee.holders:
            order = replace(order, patience=_RINGS, talk=_TALKS)
        sound = self._open(call.id, "caller")
        if sound is None:
            return order, None, NOBODY
        said = words(call.family, call.truth, self.language)
        speaker = Speaker(sound, said, order.talk, partial(self._diverted, call.id), self._hang_up)
        return replace(order, talk=None), sound, speaker

    def _hang_up(self, call: Call) -> None:
        if self._stands:
            call.hang_up(self.now())
            self._standing.lab.wire.flush()

    def _diverted(self, call: str) -> bool:
        return self._told(call).get("action") == "divert"

    # --- the line of the handsets

    def now(self) -> float:
        """The time of agents."""
        return time.monotonic()

    def today(self) -> float:
        """The time of the day."""
        return time.time()

    def place(self, handset: Handset, number: str, text: str | None) -> None:
        """Have a subscriber call, or send a text, from the trunk of the phones."""
        planned = PlannedCall(
            id=f"{handset.name}-{next(self._numbers)}",
            campaign=OWN,
            family=OWN,
            trunk=self._access,
            caller=handset.number,
            caller_name=handset.name,
            callee=number,
            callee_name=self._named(number),
            start=0.0,
            ring=_FAR_RINGS,
            talk=None,
            behaviour="answer",
            cancel_after=None,
            agent="wire",
            truth="unknown",
            expect=None,
            method="INVITE" if text is None else "MESSAGE",
            body=text,
        )
        self._standing.place(planned)

    def _named(self, dialled: str) -> str | None:
        """The subscriber whose number was dialled, however that was written."""
        is_same = self.sight.lookout.is_same
        return next((name for number, name in self._names.items() if is_same(number, dialled)), None)

    def sound(self, call: str) -> LiveSound | None:
        """A port for the phone's side of a call; calls that come by themselves have none."""
        return None if self._standing.comes_by_itself(call) else self._open(call, "phone")

    def _open(self, call: str, side: str) -> LiveCallSound | None:
        try:
            sound = LiveCallSound(self._media.open())
        except OSError:
            return None
        sound.port.record(self.recordings.path(side, call), LONGEST)
        return sound

    def changed(self, handset: Handset) -> None:
        """Tell of a phone once all that happens now has happened; then what it was told to say is sent."""
        if not self._changed:
            self._loop.call_soon(self._tell)
        self._changed[handset.name] = handset

    def _tell(self) -> None:
        self._standing.lab.wire.flush()
        changed, self._changed = self._changed, {}
        for handset in changed.values():
            self._show(handset)
            for hear in self.on_change:
                hear(handset)

    def _show(self, handset: Handset) -> None:
        """Publish what nobody else tells of: calls of its own, and those that were not placed from the stage."""
        held = handset.held
        own = held if held is not None and not (held.incoming and self._standing.knows(held.id)) else None
        shown = (own.id, own.state) if own is not None else ("", "")
        if shown == self._shown.get(handset.name, ("", "")):
            return
        before, _ = self._shown.get(handset.name, ("", ""))
        self._shown[handset.name] = shown
        if own is not None:
            event = Phone(time.time(), handset.name, own.state, own.id, own.peer, own.display_name, "")
        else:
            event = Phone(time.time(), handset.name, "idle", before, "", "", "")
        if own is not None or held is None:
            self._hub.publish(event)

    def got_text(self, _: Handset, text: Text) -> None:
        """The operator's answer to an order tells that it is in force."""
        if text.from_ in self.sight.vocabulary.numbers:
            self.on_answer()

    def _happened(self, event: Event) -> None:
        """Have a page shown anew where the stage learnt something about its phone."""
        if isinstance(event, Ended):
            self._heard(event.call)
            self._loop.call_later(_LATER, self._heard, event.call)
            return
        if isinstance(event, Settings):
            name = event.subscriber
        elif isinstance(event, Judged):
            name = str(self._told(event.call).get("subscriber"))
        else:
            return
        if name in self.handsets:
            self.changed(self.handsets[name])

    def _told(self, call: str) -> Mapping[str, Any]:
        return next((each for each in self._hub.state.calls if each["id"] == call), {})

    def _heard(self, call: str) -> None:
        for who, file in self.recordings.found(call):
            self._hub.publish(Heard(time.time(), call, who, f"/api/sound/{file}"))

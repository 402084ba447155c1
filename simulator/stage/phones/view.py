"""A phone as its page draws it: the call, texts, settings and the ways to change them, warnings of its app. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.self_service.vocabulary import Vocabulary
from simulator.agents.orders import DOMAIN
from simulator.stage.phones.apps import Apps, offered
from simulator.stage.phones.handset import Handset, Held, Past, Text
from simulator.stage.phones.lookout import Lookout
from simulator.stage.phones.ways import Way, allowing, ways
from simulator.stage.phones.ways import offered as offered_number
from simulator.stage.state import State


@dataclass(frozen=True, slots=True)
class Sight:
    """The things that a page shows of phones beside these themselves."""

    vocabulary: Vocabulary
    lookout: Lookout
    apps: Apps
    server: str  # of softphones
    accounts: Mapping[str, tuple[str, str]]  # digest user and password by name

    def of(self, handset: Handset, state: State) -> dict[str, Any]:
        """The whole of a phone, by name."""
        subscriber = next((each for each in state.subscribers if each["name"] == handset.name), {})
        held = handset.held
        return {
            "name": handset.name,
            "number": handset.number,
            "home": state.home,
            "service": self.vocabulary.numbers[0],
            "held": bool(handset.holders),
            "aside": handset.aside,
            "softphone": self._softphone(handset.name),
            "state": held.state if held else "idle",
            "call": self._call(held, state) if held else None,
            "texts": [self._text(each, handset, state) for each in reversed(handset.texts)],
            "recent": [_past(each) for each in reversed(handset.recent)],
            "settings": _settings(subscriber.get("settings", {})),
            "ways": [_way(each) for each in ways(self.vocabulary)],
            "apps": self.apps.to_json(handset.name),
            "offered_apps": offered(self.apps.listed),
        }

    def _softphone(self, name: str) -> dict[str, str]:
        """The settings of a softphone that shall have the place of this phone."""
        user, password = self.accounts[name]
        return {"server": self.server, "domain": DOMAIN, "user": user, "password": password}

    def _call(self, held: Held, state: State) -> dict[str, Any]:
        told = _told(state, held.id)
        return {
            "id": held.id,
            "incoming": held.incoming,
            "peer": held.peer,
            "display_name": held.display_name,
            "label": str(told.get("label") or "") if held.incoming else "",
            "warnings": self.lookout.about_caller(held.peer) if held.incoming else [],
            "since": held.since,
            "sound": held.sound is not None,
        }

    def _text(self, text: Text, handset: Handset, state: State) -> dict[str, Any]:
        sent = bool(text.to)
        return {
            "at": text.at,
            "from": text.from_,
            "to": text.to,
            "body": text.body,
            "warnings": [] if sent else self.lookout.about_text(text.from_, text.body),
            "allow": None if sent else self.refused_caller(text, handset, state),
        }

    def refused_caller(self, text: Text, handset: Handset, state: State) -> str | None:
        """The number that one tap may let through: it stands in a notice of the operator's, and of one who was refused.

        A text that somebody sent from a trunk is no notice, whoever it says it is from.
        """
        number = offered_number(self.vocabulary, text.body)
        if number is None or text.from_ not in self.vocabulary.numbers or _told(state, text.call):
            return None
        refused = (call["from"] for call in state.calls if _was_refused(call, handset.name))
        return number if any(self.lookout.is_same(number, each) for each in refused) else None

    def order_to_allow(self, number: str) -> tuple[str, str] | None:
        """The text that lets a number through, and where it goes."""
        return allowing(self.vocabulary, number)


def _told(state: State, call: str) -> Mapping[str, Any]:
    return next((each for each in state.calls if each["id"] == call), {})


def _was_refused(call: Mapping[str, Any], name: str) -> bool:
    return call.get("subscriber") == name and call.get("action") == "reject"


def _settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    allow: Collection[str] = settings.get("allow", ())
    block: Collection[str] = settings.get("block", ())
    on = {**settings.get("barring", {}), "notify": settings.get("notify", False)}
    return {"on": on, "allow": list(allow), "block": list(block)}


def _way(way: Way) -> dict[str, Any]:
    on, off = (pair and {"text": pair[0], "to": pair[1]} for pair in (way.on, way.off))
    return {"setting": way.setting, "on": on, "off": off, "code": way.code}


def _past(past: Past) -> dict[str, Any]:
    return {
        "at": past.at,
        "incoming": past.incoming,
        "peer": past.peer,
        "display_name": past.display_name,
        "seconds": past.seconds,
        "status": past.status,
    }

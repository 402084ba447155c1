"""Orders by text and by star code, and what becomes of them."""

from __future__ import annotations

from proxy.numbers.numbering import Numbering
from proxy.numbers.star_codes import read_code
from proxy.policy.profile import Barring, Subscriber
from proxy.presets import preset
from proxy.self_service.control import Reply, SelfService
from proxy.subscribers.changes import Overlay, WrongPins

ALICE = Subscriber("+8613800138001", pin="2580")
CHINA = Numbering("CN")
NOON = 1_760_000_000.0
HOUR = 3600.0
NO_WRONG_PINS = WrongPins()
HERE = SelfService(preset.load("cn").vocabulary, 24 * HOUR)
ENGLISH = SelfService(preset.load("default").vocabulary, 24 * HOUR)
CODES = ENGLISH.vocabulary.codes


def texts(text: str, service: str = "10086", who: Subscriber = ALICE, desk: SelfService = HERE) -> Reply:
    return desk.by_text(who, service, text, CHINA)


def dials(code: str, who: Subscriber = ALICE, wrong: WrongPins = NO_WRONG_PINS, at: float = NOON) -> Reply:
    read = read_code(code, CODES)
    assert read is not None
    return ENGLISH.by_code(who, read, wrong, at)


def after(reply: Reply, who: Subscriber = ALICE) -> Subscriber:
    """The subscriber once the changes are in force."""
    return Overlay(reply.changes).over(who)


def barred(**barring: bool) -> Subscriber:
    return ALICE.but(barring=Barring(**barring))

"""Self-service: what a subscriber's text or star code changes of their own profile, and what they are told.

Pure: a profile and a wish go in, a `Reply` with its changes comes out. Who the subscriber is, others made sure of.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Literal, get_args

from proxy.numbers.numbering import Numbering
from proxy.numbers.patterns import ABROAD, compact, read_pattern
from proxy.numbers.star_codes import StarCode
from proxy.policy.profile import Subscriber
from proxy.self_service.vocabulary import Code, Keyword, Phrases, Setting, Vocabulary, phrases
from proxy.subscribers.changes import BARRINGS, LAST_WRONG_PIN, WRONG_PINS, Change, WrongPins

MOST_WRONG_PINS = 3  # in a row; then star codes are locked (3GPP TS 22.004)
MOST_LISTED = 100  # numbers that a subscriber can put on a list by text
_LONGEST = 1000  # bytes of a text: a MESSAGE has to fit into 1300 (RFC 3428 8)
_MARKS = " .,;:!?\"'\u3001\u3002\u2018\u2019\u201c\u201d\u300c\u300d"  # that people put around words and numbers
_SHOWN = 4  # numbers of a list that a reply names
_NOT_UNDERSTOOD = Code()
_ALL_TELESERVICES = ("", "10")  # 3GPP TS 22.030 annex C
_SETTINGS: tuple[Setting, ...] = get_args(Setting)
# Which settings bar what another one lets through: a reply about that one names those that are on as well.
_WIDER: dict[str, tuple[Setting, ...]] = {
    "incoming_when_roaming": ("all_incoming",),
    "incoming_international": ("all_incoming",),
    "incoming_international_texts": ("all_incoming", "incoming_international"),
    "anonymous": ("all_incoming",),
    "outgoing_international": ("all_outgoing",),
}

# The settings by which a rule refuses: with one taken back, callers without a number get through.
_BARS: dict[str, tuple[Setting, ...]] = {
    "anonymous.reject": ("anonymous",),
    "barring.all_incoming": ("all_incoming",),
    "barring.incoming_when_roaming": ("incoming_when_roaming",),
    "barring.incoming_international": ("incoming_international", "incoming_international_texts"),
}

Prompt = Literal["changed", "unchanged", "not-saved", "wrong-pin", "locked", "waits"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The announcement, the text and the changes that answer an order."""

    prompt: Prompt
    text: str
    changes: tuple[Change, ...] = ()


class SelfService:
    """Carries wishes out. `lock_seconds` is how long wrong PINs lock star codes, 0: until the operator unlocks them."""

    def __init__(self, vocabulary: Vocabulary, lock_seconds: float) -> None:
        self.vocabulary = vocabulary
        self._lock_seconds = lock_seconds
        self._languages = tuple(map(phrases, vocabulary.languages))

    def by_text(self, subscriber: Subscriber, service: str, text: str, numbering: Numbering) -> Reply:
        """A text to one of the service numbers."""
        words = unicodedata.normalize("NFKC", text).replace(":", " ").strip(_MARKS).split()
        for count in range(min(len(words), 3), 0, -1):
            keyword = self.vocabulary.keywords.get(" ".join(words[:count]).upper().rstrip(_MARKS))
            rest = " ".join(words[count:]).strip(_MARKS)
            if keyword is not None and keyword.known_to(service) and (keyword.do in _WITH_NUMBER or not rest):
                return self._grant(subscriber, keyword, rest, service, numbering)
        known = ", ".join(word for word, keyword in self.vocabulary.keywords.items() if keyword.known_to(service))
        return self._say("unchanged", (), lambda say: [say.unknown, say.keywords.format(keywords=known)])

    def by_code(self, subscriber: Subscriber, code: StarCode, wrong: WrongPins, now: float) -> Reply:
        """A star code for, or like one for, a service of the vocabulary; `now` is in epoch seconds."""
        known = self.vocabulary.codes[code.service] if code.do else _NOT_UNDERSTOOD
        impossible = not known.settings or (known.only_off and code.do == "on")
        if impossible or code.teleservice not in _ALL_TELESERVICES:
            return self._say("unchanged", (), lambda say: [say.not_offered.format(code=code.masked)])
        if code.do == "status":
            return self._say("unchanged", (), lambda say: _states(say, subscriber, known.settings))
        unlocked: tuple[Change, ...] = ()
        if subscriber.pin is not None:
            if wrong.count >= MOST_WRONG_PINS and self._is_locked(wrong, now):
                ahead = wrong.at > now  # so was the clock, and has been set since: the lock begins anew
                begun = (Change(subscriber.number, LAST_WRONG_PIN, now),) if ahead else ()
                return self._say("locked", begun, self._locked(min(wrong.at, now) + self._lock_seconds - now))
            if not code.pin:
                wanted = f"{code.masked[:-1]}*PIN#"
                return self._say("wrong-pin", (), lambda say: [say.pin_needed.format(code=wanted)])
            if not compare_digest(code.pin, subscriber.pin):
                return self._wrong_pin(subscriber, wrong, now)
            if wrong.count:
                unlocked = (Change(subscriber.number, WRONG_PINS, 0),)
        return self._turn(subscriber, code.do == "on", known.settings, None, unlocked)

    def not_saved(self) -> Reply:
        """Instead of a reply whose changes could not be saved."""
        return self._say("not-saved", (), lambda say: [say.not_saved])

    def refused_call_notice(
        self, subscriber: Subscriber, who: str, rule: str, *, is_text: bool, can_be_listed: bool = True
    ) -> str:
        """Tells a subscriber who was refused ("": somebody without a number), why, and how to let them through.

        `can_be_listed`: a number on the allow list that is written like `who` is the caller's.
        """
        if who and not can_be_listed:
            way = None
        elif who:
            found = self.vocabulary.find("allow")
            way = found and (f"{found[0]} {who}", found[1])
        else:
            bar = next((setting for setting in _BARS.get(rule, ()) if _is_on(subscriber, setting)), None)
            way = self.vocabulary.find("off", (bar,)) if bar else None

        def lines(say: Phrases) -> list[str]:
            form = say.refused_text if is_text else say.refused_call
            told = [form.format(caller=who or say.nobody, reason=say.reasons.get(rule, say.other_reason))]
            return [*told, *([say.let_through.format(keyword=way[0], number=way[1])] if way else [])]

        return self._say("unchanged", (), lines).text

    def _grant(self, subscriber: Subscriber, keyword: Keyword, rest: str, service: str, numbering: Numbering) -> Reply:
        if keyword.do in ("on", "off"):
            return self._turn(subscriber, keyword.do == "on", keyword.settings, service)
        if keyword.do == "status":
            return self._say("unchanged", (), lambda say: _whole_status(say, subscriber))
        try:
            written, patterns = compact(rest), read_pattern(rest, numbering)
        except ValueError:
            return self._say("unchanged", (), lambda say: [say.not_a_number.format(text=rest[:40])])
        target = None if keyword.do == "remove" else keyword.do
        lists = {"allow": subscriber.allow, "block": subscriber.block}
        new = tuple(one for one in patterns if target and one not in lists[target])
        if target and new and len(lists[target]) + len(new) > MOST_LISTED:
            return self._say("unchanged", (), lambda say: [say.list_full.format(most=MOST_LISTED)])
        changes = []
        for name, before in lists.items():
            after = (*before, *new) if name == target else tuple(one for one in before if one not in patterns)
            if after != before:
                changes.append(Change(subscriber.number, name, after))

        def lines(say: Phrases) -> list[str]:
            form = {"allow": say.on_allow, "block": say.on_block, None: say.on_neither}[target]
            undo = self.vocabulary.find("remove", (), service) if target else None
            return [
                say.changed if changes else say.unchanged,
                form.format(number=_with_meaning(say, written, patterns)),
                *([say.undo.format(keyword=f"{undo[0]} {written}", number=undo[1])] if undo else []),
            ]

        return self._say("changed" if changes else "unchanged", changes, lines)

    def _turn(
        self,
        subscriber: Subscriber,
        wanted: bool,
        settings: tuple[Setting, ...],
        service: str | None,
        unlocked: tuple[Change, ...] = (),
    ) -> Reply:
        """Settings on or off. `service` is the number that was texted to, None for star codes."""
        number = subscriber.number
        changes = [Change(number, name, wanted) for name in settings if _is_on(subscriber, name) != wanted]
        undo = self.vocabulary.find("off" if wanted else "on", settings, service)
        after = {change.field: wanted for change in changes}

        def lines(say: Phrases) -> list[str]:
            return [
                say.changed if changes else say.unchanged,
                *_states(say, subscriber, settings, after),
                *([say.undo.format(keyword=undo[0], number=undo[1])] if undo else []),
            ]

        return self._say("changed" if changes else "unchanged", (*unlocked, *changes), lines)

    def _wrong_pin(self, subscriber: Subscriber, wrong: WrongPins, now: float) -> Reply:
        count = 1 if wrong.count >= MOST_WRONG_PINS else wrong.count + 1  # an old lock has run out
        changes = [Change(subscriber.number, WRONG_PINS, count), Change(subscriber.number, LAST_WRONG_PIN, now)]
        left = MOST_WRONG_PINS - count
        if not left:
            return self._say("locked", changes, self._locked(self._lock_seconds))
        return self._say("wrong-pin", changes, lambda say: [say.wrong_pin.format(left=left)])

    def _is_locked(self, wrong: WrongPins, now: float) -> bool:
        return not self._lock_seconds or now < wrong.at + self._lock_seconds

    def _locked(self, seconds: float) -> Callable[[Phrases], list[str]]:
        hours = math.ceil(seconds / 3600)
        return lambda say: [say.locked_for.format(hours=hours) if self._lock_seconds else say.locked]

    def _say(self, prompt: Prompt, changes: Iterable[Change], lines: Callable[[Phrases], list[str]]) -> Reply:
        """The reply, once in each language."""
        text = "\n".join(line for say in self._languages for line in lines(say))
        return Reply(prompt, text.encode()[:_LONGEST].decode(errors="ignore"), tuple(changes))


_WITH_NUMBER = ("allow", "block", "remove")


def _is_on(subscriber: Subscriber, setting: str) -> bool:
    return bool(getattr(subscriber.barring if setting in BARRINGS else subscriber, setting))


def _states(
    say: Phrases, subscriber: Subscriber, settings: Iterable[Setting], after: dict[str, bool] | None = None
) -> list[str]:
    """A line for each setting, as it is once `after` is in force."""
    on = {name: (after or {}).get(name, _is_on(subscriber, name)) for name in _SETTINGS}
    shown = set(settings)
    shown |= {wider for name in settings for wider in _WIDER.get(name, ()) if on[wider]}
    return [f"{say.settings[name]}: {(say.on if on[name] else say.off)[name]}" for name in _SETTINGS if name in shown]


def _whole_status(say: Phrases, subscriber: Subscriber) -> list[str]:
    return [
        *_states(say, subscriber, _SETTINGS),
        say.allow_list.format(numbers=_shortened(say, subscriber.allow) or say.empty),
        say.block_list.format(numbers=_shortened(say, subscriber.block) or say.empty),
    ]


def _shortened(say: Phrases, patterns: tuple[str, ...]) -> str:
    more = len(patterns) - _SHOWN
    return _told(say, patterns[:_SHOWN]) + (f" (+{more})" if more > 0 else "")


def _with_meaning(say: Phrases, written: str, patterns: tuple[str, ...]) -> str:
    """A text as somebody wrote it, and its meaning where that is written otherwise."""
    meaning = _told(say, patterns)
    return meaning if meaning == written else f"{written} ({meaning})"


def _told(say: Phrases, patterns: tuple[str, ...]) -> str:
    return ", ".join(say.abroad if pattern == ABROAD else pattern for pattern in patterns)

"""The checks of a lesson's steps: expectations held against what was seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from simulator.scenario.lesson import Deed, See


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was seen of a step's deed; "" and None stand for things that were not seen (yet).

    `phone` is what the callee's phone did: it `rings`, `receives` a text, or is `silent`. `replies` are the texts that
    came to the phone of the subscriber who did something, `settings`, `allow` and `block` are theirs, `mode` is that of
    the rule that was set. `reported` are the apps that the phone of that subscriber reports, None where it reports
    none, and `warned` those of them that are warned of.
    """

    action: str = ""
    rule: str = ""
    status: int | None = None
    phone: str = ""
    label: str = ""
    replies: tuple[str, ...] = ()
    settings: Mapping[str, bool] = field(default_factory=dict)
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    mode: str = ""
    reported: tuple[str, ...] | None = None
    warned: tuple[str, ...] = ()


class Difference(NamedTuple):
    """One thing that was seen otherwise: `what` is its key in `see`, or the setting's name."""

    what: str
    expected: str
    seen: str


def differences(deed: Deed, see: See | None, seen: Seen) -> list[Difference]:
    """All that was expected of a deed and seen otherwise, in the order of the keys of `see`."""
    return [*_settled(deed, seen), *(_differing(see, seen) if see is not None else ())]


def _settled(deed: Deed, seen: Seen) -> Iterator[Difference]:
    """Settings and rules that are not as the deed sets them."""
    if deed.set_ is not None:
        yield from _switches(deed.set_.settings, seen)
    if deed.rule is not None and deed.rule.mode != seen.mode:
        yield Difference(deed.rule.name, deed.rule.mode, seen.mode)
    if deed.apps is not None:
        if not deed.apps.reports and seen.reported is not None:
            yield Difference("reported", "", ", ".join(seen.reported))
        if deed.apps.reports and not (seen.reported is not None and set(deed.apps.installed) <= set(seen.reported)):
            yield Difference("reported", ", ".join(deed.apps.installed), ", ".join(seen.reported or ()))


def _differing(see: See, seen: Seen) -> Iterator[Difference]:
    for key in ("action", "rule", "status", "phone"):
        wanted, found = getattr(see, key), getattr(seen, key)
        if wanted is not None and wanted != found:
            yield Difference(key, str(wanted), "" if found is None else str(found))
    if see.label is not None and not fnmatchcase(seen.label, _literally(see.label)):
        yield Difference("label", see.label, seen.label)
    if see.reply is not None and not any(fnmatchcase(reply, _literally(see.reply)) for reply in seen.replies):
        yield Difference("reply", see.reply, seen.replies[-1] if seen.replies else "")
    yield from _switches(see.settings or {}, seen)
    for name, wanted, listed in (("allow", see.allow, seen.allow), ("block", see.block, seen.block)):
        for number in wanted or ():
            if number not in listed:
                yield Difference(name, number, ", ".join(listed))
    if see.warned is not None and set(see.warned) != set(seen.warned):
        yield Difference("warned", ", ".join(see.warned), ", ".join(seen.warned))


def _switches(wanted: Mapping[str, bool], seen: Seen) -> Iterator[Difference]:
    for name, on in wanted.items():
        if (found := seen.settings.get(name)) != on:
            yield Difference(name, _on_off(on), "" if found is None else _on_off(found))


def _on_off(value: bool) -> str:
    return "on" if value else "off"


def _literally(pattern: str) -> str:
    """A pattern in which * alone is special."""
    return pattern.replace("[", "[[]").replace("?", "[?]")

"""A profile -> simservs XML (3GPP TS 24.611)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from proxy.policy.profile import Barring, Subscriber
from proxy.subscribers.simservs.names import CP, INCOMING, OUTGOING, PREFIXES, RF, SS, SettingOf

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def document(subscriber: Subscriber) -> str:
    """The settings of a subscriber as a document; numbers and passwords of their own are not in it."""
    incoming = [
        *_list_rules("allow", subscriber.allow, allow=True),
        *_list_rules("block", subscriber.block, allow=False),
        *_barring_rules(INCOMING, subscriber.barring),
    ]
    bars_outgoing = any(getattr(subscriber.barring, setting) for setting in OUTGOING.values())
    outgoing = [
        *(_list_rules("allow", subscriber.allow, allow=True) if bars_outgoing else ()),
        *_barring_rules(OUTGOING, subscriber.barring),
    ]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<simservs xmlns="{SS}" xmlns:cp="{CP}" xmlns:rf="{RF}">',
            *_barring("incoming", incoming),
            *_barring("outgoing", outgoing),
            "  <extensions>",
            f'    <rf:refused-call-notice active="{_boolean(subscriber.notify)}"/>',
            "  </extensions>",
            "</simservs>",
            "",
        ]
    )


def _barring(direction: str, rules: list[str]) -> Iterator[str]:
    yield f'  <{direction}-communication-barring active="true">'
    yield "    <cp:ruleset>"
    yield from rules
    yield "    </cp:ruleset>"
    yield f"  </{direction}-communication-barring>"


def _list_rules(name: str, patterns: tuple[str, ...], *, allow: bool) -> Iterator[str]:
    """Whole numbers go by identity, all else by our own condition; conditions of one rule would all have to hold."""
    numbers = [pattern for pattern in patterns if _E164.fullmatch(pattern)]
    others = [pattern for pattern in patterns if not _E164.fullmatch(pattern)]
    if numbers:
        ones = "".join(f"<cp:one id={quoteattr(f'tel:{number}')}/>" for number in numbers)
        yield _rule(name, f"<cp:identity>{ones}</cp:identity>", allow=allow)
    if others:
        ones = "".join(f"<rf:number>{escape(pattern)}</rf:number>" for pattern in others)
        yield _rule(f"{name}-patterns", f"<rf:numbers>{ones}</rf:numbers>", allow=allow)


def _barring_rules(setting_of: SettingOf, barring: Barring) -> Iterator[str]:
    """All of them, deactivated where they are off, so that a reader sees what there is."""
    for condition, setting in setting_of.items():
        deactivated = "" if getattr(barring, setting) else "<rule-deactivated/>"
        test = f"<{PREFIXES[condition[0]]}{condition[1]}/>" if condition else ""
        yield _rule(setting.replace("_", "-"), f"{deactivated}{test}", allow=False)


def _rule(name: str, conditions: str, *, allow: bool) -> str:
    return (
        f'      <cp:rule id="{name}">\n'
        f"        <cp:conditions>{conditions}</cp:conditions>\n"
        f"        <cp:actions><allow>{_boolean(allow)}</allow></cp:actions>\n"
        "      </cp:rule>"
    )


def _boolean(value: bool) -> str:
    return "true" if value else "false"

"""simservs documents, whole and in parts, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from proxy.numbers.numbering import Numbering
from proxy.policy.profile import Barring, Subscriber
from proxy.subscribers.simservs.names import CP, RF, SS
from proxy.subscribers.simservs.reader import read

FILE = Path("alice.xml")
CHINA, BRITAIN = Numbering("CN"), Numbering("GB")
NUMBER = '<cp:identity><cp:one id="tel:+6591234567"/></cp:identity>'
ALICE = Subscriber(
    "+8613800138001",
    "alice",
    "s3cret",
    "2580",
    barring=Barring(incoming_international=True),
    allow=("+6591234567", "+44*"),
    block=("+1900*",),
    notify=True,
)


def doc(*inside: str) -> bytes:
    """A document whose lines after the first are `inside`."""
    return "\n".join([f'<simservs xmlns="{SS}" xmlns:cp="{CP}" xmlns:rf="{RF}">', *inside, "</simservs>"]).encode()


def incoming(*rules: str, active: str = "true") -> tuple[str, ...]:
    """Incoming barring on lines 2 to 5 and on, one rule a line, the first on line 3."""
    return (
        f'<incoming-communication-barring active="{active}"><cp:ruleset>',
        *rules,
        "</cp:ruleset></incoming-communication-barring>",
    )


def outgoing(*rules: str) -> tuple[str, ...]:
    return tuple(line.replace("incoming", "outgoing") for line in incoming(*rules))


def rule(conditions: str, allow: str = "false", name: str = "r", more: str = "") -> str:
    return (
        f'<cp:rule id="{name}"><cp:conditions>{conditions}</cp:conditions>'
        f"<cp:actions><allow>{allow}</allow>{more}</cp:actions></cp:rule>"
    )


def refused(document: bytes) -> list[str]:
    with pytest.raises(FileErrors) as caught:
        read(FILE, document, CHINA)
    return str(caught.value).splitlines()

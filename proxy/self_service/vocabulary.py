"""The orders that subscribers can give by text and star code, and the words of the answers: data of the presets."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from proxy.files import yaml_file
from proxy.policy.profile_fields import OnOff

_PHRASES = Path(__file__).parent / "phrases"
_KEYWORD = re.compile(r"[^\sa-z]+(?: [^\sa-z]+){0,2}")

Setting = Literal[
    "all_incoming",
    "incoming_when_roaming",
    "incoming_international",
    "incoming_international_texts",
    "all_outgoing",
    "outgoing_international",
    "anonymous",
    "notify",
]
ServiceNumber = Annotated[str, Field(pattern=r"^[0-9]{2,15}$")]


def _keyword(text: str) -> str:
    if not _KEYWORD.fullmatch(text):
        raise ValueError("a keyword of one to three words in capitals, such as QXGJLH or BLOCK OVERSEAS")
    return text


def _language(name: str) -> str:
    known = sorted(path.stem for path in _PHRASES.glob("*.yaml"))
    if name not in known:
        raise ValueError(f"a language: {yaml_file.did_you_mean(name, known)}")
    return name


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Keyword(_Data):
    """The wish behind the first word of a text: settings `on` or `off`, a number on or off a list, the status.

    `numbers` are the service numbers that know it; none: all.
    """

    do: Literal["on", "off", "allow", "block", "remove", "status"]
    settings: tuple[Setting, ...] = ()
    numbers: tuple[ServiceNumber, ...] = ()

    def known_to(self, service: str) -> bool:
        """True if a text to that service number may begin with it."""
        return not self.numbers or service in self.numbers


class Code(_Data):
    """A service code (3GPP TS 22.030 annex B): the settings it is for; none: it is known and not offered.

    `only_off` codes (330 and the like) can only be taken back.
    """

    settings: tuple[Setting, ...] = ()
    only_off: OnOff = False


Keywords = dict[Annotated[str, AfterValidator(_keyword)], Keyword]
Codes = dict[Annotated[str, Field(pattern=r"^[0-9]{2,3}$")], Code]


class Vocabulary(_Data):
    """Service numbers, keywords and star codes. Answers to star codes, and notices, come from the first number."""

    numbers: tuple[ServiceNumber, ...]
    keywords: Keywords
    codes: Codes = {}
    languages: tuple[Annotated[str, AfterValidator(_language)], ...] = ("en",)

    def changed(self, numbers: tuple[str, ...], keywords: Keywords, codes: Codes) -> Vocabulary:
        """With other service numbers, where some are given, and with more keywords and codes."""
        return self.model_copy(
            update={
                "numbers": numbers or self.numbers,
                "keywords": self.keywords | keywords,
                "codes": self.codes | codes,
            }
        )

    def find(self, do: str, settings: tuple[str, ...] = (), service: str | None = None) -> tuple[str, str] | None:
        """A keyword that does that, and a service number that knows it: `service` if it can be."""
        numbers = (service, *self.numbers) if service else self.numbers
        return next(
            (
                (word, number)
                for number in numbers
                for word, keyword in self.keywords.items()
                if keyword.do == do and keyword.settings == settings and keyword.known_to(number)
            ),
            None,
        )


class Phrases(_Data):
    """One language. Texts in braces stand for what differs from reply to reply."""

    settings: dict[Setting, str]
    on: dict[Setting, str]  # how a setting that is on reads
    off: dict[Setting, str]
    changed: str
    unchanged: str
    not_saved: str
    undo: str  # {keyword} {number}
    on_allow: str  # {number}
    on_block: str
    on_neither: str
    allow_list: str  # {numbers}
    block_list: str
    abroad: str  # all numbers abroad, on a list
    empty: str
    list_full: str  # {most}
    not_a_number: str  # {text}
    unknown: str
    keywords: str  # {keywords}
    pin_needed: str  # {code}
    wrong_pin: str  # {left}
    locked: str
    locked_for: str  # {hours}
    not_offered: str  # {code}
    refused_call: str  # {caller} {reason}
    refused_text: str
    nobody: str  # a caller without a number
    let_through: str  # {keyword} {number}
    reasons: dict[str, str]  # by rule
    other_reason: str  # for rules without one


@cache  # as many as there are files
def phrases(language: str) -> Phrases:
    """The phrases of a language. Raises FileErrors where its file is broken or missing."""
    return yaml_file.load(_PHRASES / f"{language}.yaml", Phrases)

"""Treatments of the calls that a rule decides, by rule, as it stands in configs, presets and profiles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Tag,
    WithJsonSchema,
    model_validator,
)

from proxy.files.yaml_file import Problem, Problems, did_you_mean
from proxy.numbers.country_names import Language
from proxy.policy.answers import Answer, Https, Prompt, Treatment
from proxy.policy.precedence import PRECEDENCE, REFUSING, SPOOFED, Action

COUNTRY = "{country}"  # stands in a label for where the call comes from
_LONGEST_LABEL = 60  # characters; phones show fewer
_RING = re.compile(r"urn:alert:[a-z0-9-]+(?::[A-Za-z0-9.-]+)+|https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
# What only one rule may say: 433 is about anonymity (RFC 5079), 607 is a person's own decision (RFC 8197).
_RESERVED = {"433": "anonymous.reject", "607": "subscriber.block"}
# It decides before the callee's rules are asked, so what it decides must not ring.
_NEVER_RINGS = "barring.all_outgoing"
_ON = ("on", "yes", "true")
_TREATABLE = [rule for rule in PRECEDENCE if rule not in ("never_block", SPOOFED)]


def _on(value: Any) -> Any:
    """YAML has several words for it, and editors read them as true."""
    return "on" if str(value).lower() in _ON else value


def _label(text: str) -> str:
    plain = text.replace(COUNTRY, "")
    if not text.isprintable() or not text.strip() or len(text) > _LONGEST_LABEL or "{" in plain or "}" in plain:
        raise ValueError(f"at most {_LONGEST_LABEL} printable characters; {COUNTRY} stands for the caller's country")
    return text


def _ring(uri: str) -> str:
    if not _RING.fullmatch(uri):
        raise ValueError("an urn:alert: (RFC 7462) or the web address of a ringing tone")
    return uri


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("a token, such as alert-external")
    return text


def _digit(text: str) -> str:
    if not re.fullmatch(r"[0-9]|random", text):
        raise ValueError('a digit in quotes, or "random"')
    return text


class Label(Treatment):
    """Let the call through, and have the phone say what it is.

    `label` replaces the display name; with `name: keep` the caller's own follows it in brackets. `verstat` goes into
    the asserted identity (3GPP TS 24.229 7.2A.20), `info` into Call-Info, `ring` into Alert-Info (RFC 7462), with
    `ring_info` as the parameter that phones choose a distinct ring by.
    """

    label: Annotated[str, AfterValidator(_label)]
    language: Language = "en"
    name: Literal["keep", "replace"] = "replace"
    verstat: Literal["No-TN-Validation", "TN-Validation-Failed", "TN-Validation-Passed"] | None = None
    info: Https | None = None
    ring: Annotated[str, AfterValidator(_ring)] | None = None
    ring_info: Annotated[str, AfterValidator(_token)] | None = None

    @model_validator(mode="after")
    def _info_goes_with_a_ring(self) -> Label:
        if self.ring_info and not self.ring:
            raise Problems([Problem(("ring_info",), "a ring beside it")])
        return self

    @property
    def action(self) -> Action:
        return "label"


class Play(BaseModel):
    """An announcement, by the name of its prompt, and then the end of the call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    play: Prompt


class Divert(Treatment):
    """Answer the call without the callee: take a message, play something, or keep the caller talking."""

    divert: Annotated[
        Annotated[Play, Tag("an announcement")] | Annotated[Literal["voicemail", "honeypot"], Tag("a service")],
        Discriminator(lambda value: "an announcement" if isinstance(value, dict | Play) else "a service"),
    ]

    @property
    def action(self) -> Action:
        return "divert"

    def service(self, number: str, arrival: float) -> str:  # noqa: ARG002
        if isinstance(self.divert, Play):
            return f"rf*play*{self.divert.play}"
        return f"rf*{self.divert}*{number}"


class Challenge(Treatment):
    """Have the caller press a digit before the callee's phone rings; `random` takes the digit from the time."""

    challenge: Annotated[str, AfterValidator(_digit)]

    @property
    def action(self) -> Action:
        return "challenge"

    def service(self, number: str, arrival: float) -> str:
        digit = str(int(arrival * 1e6) % 10) if self.challenge == "random" else self.challenge
        return f"rf*challenge*{digit}*{number}"


class Warn(Treatment):
    """Ring, and warn whoever answers before the caller is put through."""

    warn: Annotated[Literal["on"], BeforeValidator(_on), WithJsonSchema({"enum": [*_ON, True]})]

    @property
    def action(self) -> Action:
        return "label"

    def service(self, number: str, arrival: float) -> str:  # noqa: ARG002
        return f"rf*warn*{number}"


_SORTS: dict[str, tuple[type[Treatment], str]] = {  # tags are no key of the mapping: errors look their way along it
    "reject": (Answer, "a refusal"),
    "label": (Label, "a label"),
    "divert": (Divert, "a diversion"),
    "challenge": (Challenge, "a challenge"),
    "warn": (Warn, "a warning"),
}


def _sort_of(value: Any) -> str | None:
    if isinstance(value, Treatment):
        return next(tag for sort, tag in _SORTS.values() if isinstance(value, sort))
    return next((tag for key, (_, tag) in _SORTS.items() if isinstance(value, dict) and key in value), None)


def _rule(name: str) -> str:
    if name not in _TREATABLE:
        raise ValueError(f"a rule: {did_you_mean(name, _TREATABLE)}")
    return name


def _check_rules(treatments: dict[str, Treatment]) -> dict[str, Treatment]:
    """Hold each treatment to the rules that may use it. Raises Problems."""
    problems = []
    for rule, treatment in treatments.items():
        if isinstance(treatment, Answer) and (only := _RESERVED.get(treatment.reject, rule)) != rule:
            problems.append(Problem((rule, "reject"), f"{treatment.reject} for {only} only"))
        elif rule not in REFUSING and isinstance(treatment, Answer | Divert):
            problems.append(Problem((rule,), f"label, challenge or warn: {rule} lets calls through"))
        elif rule == _NEVER_RINGS and not isinstance(treatment, Answer | Divert):
            problems.append(Problem((rule,), f"reject or divert: {rule} keeps calls from every phone"))
    if problems:
        raise Problems(problems)
    return treatments


Treatments = Annotated[
    dict[
        Annotated[str, AfterValidator(_rule)],
        Annotated[
            Annotated[Answer, Tag("a refusal")]
            | Annotated[Label, Tag("a label")]
            | Annotated[Divert, Tag("a diversion")]
            | Annotated[Challenge, Tag("a challenge")]
            | Annotated[Warn, Tag("a warning")],
            Discriminator(
                _sort_of,
                custom_error_type="no_treatment",
                custom_error_message=f"a treatment: one of {', '.join(_SORTS)}",
            ),
        ],
    ],
    AfterValidator(_check_rules),
]


def prompts_of(treatment: Treatment) -> Iterator[tuple[tuple[str, ...], str]]:
    """The announcements of a treatment, and where they stand in it."""
    if isinstance(treatment, Answer) and treatment.announce:
        yield ("announce",), treatment.announce
    elif isinstance(treatment, Divert) and isinstance(treatment.divert, Play):
        yield ("divert", "play"), treatment.divert.play


def written(treatments: Mapping[str, Treatment]) -> dict[str, Any]:
    """Treatments as they stand in a file."""
    return {rule: treatment.model_dump(exclude_unset=True) for rule, treatment in treatments.items()}

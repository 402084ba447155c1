"""The values of a scenario file's fields: names, durations, rates, rules, header and audio checks, thresholds."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, WithJsonSchema

from proxy.config.fields import some
from proxy.files.yaml_file import FileContext, Problem, Problems, did_you_mean
from proxy.policy.precedence import PRECEDENCE
from proxy.self_service.desk import RULE as SELF_SERVICE
from proxy.sip.errors import SipError
from proxy.sip.headers import canonical_name
from simulator.scenario.thresholds import FIGURES, Threshold
from simulator.scenario.voices import audio_check

_Text = TypeVar("_Text", bound=str)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_KEYS = re.compile(r"[0-9*#]{1,32}")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)|0")
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)/(s|min|h)")
_LONGEST = 3650 * 86400.0  # seconds
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


class Model(BaseModel):
    """The base of every part of a scenario file: frozen, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def subscriber_names(info: ValidationInfo) -> list[str]:
    """The names of the file's subscribers, for a validator of another part of it."""
    subscribers = FileContext.of(info).document.get("subscribers")
    return list(subscribers) if isinstance(subscribers, dict) else []


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("a name of letters, digits, - and _")
    return text


def _duration(value: Any) -> Any:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a duration such as "1.5s", "250ms" or "2m"')
    seconds = float(match[1] or 0) * _SECONDS[match[2]]
    if seconds > _LONGEST:
        raise ValueError("a duration of at most 3650 days")
    return seconds


def _rate(value: Any) -> Any:
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError('a rate such as "20/s", "90/min" or "600/h"')
    return float(match[1]) / _SECONDS[match[2]]


def listed(value: Any) -> Any:
    """One text as a list of it, and lists as they are. Raises ValueError for nothing, and for a mapping."""
    if value is None or isinstance(value, dict):
        raise ValueError("text, or a list of it")
    return [value] if isinstance(value, str) else value


def _rule(name: str) -> str:
    if name not in (known := (*PRECEDENCE, SELF_SERVICE)):
        raise ValueError(f"a rule: {did_you_mean(name, known)}")
    return name


def _keys(text: str) -> str:
    if not _KEYS.fullmatch(text):
        raise ValueError("keys of a phone: digits, * and #")
    return text


def header_check(text: str) -> str:
    """Return a header and a pattern for its value. Raises ValueError where no header line can ever match."""
    name, colon, pattern = text.partition(":")
    try:
        canonical_name(f"{name}:")
    except SipError:
        colon = ""
    if not colon or not pattern.strip():
        raise ValueError('a header and a pattern for its value, such as "Reason: SIP;cause=603;*"')
    return text


def _thresholds(value: Any) -> tuple[Threshold, ...]:
    if not isinstance(value, dict):
        raise ValueError('figures and their limits, such as {scam_recall: [">= 0.95 lower95"]}')
    parsed, problems = [], []
    for figure, limits in value.items():
        if figure not in FIGURES:
            problems.append(Problem((figure, "[key]"), f"a figure: {did_you_mean(figure, FIGURES)}"))
            continue
        if limits == []:
            problems.append(Problem((figure,), "at least one condition"))
        for index, limit in enumerate(limits if isinstance(limits, list) else [limits]):
            try:
                parsed.append(Threshold.parse(figure, str(limit)))
            except ValueError as error:
                problems.append(Problem((figure, index), str(error)))
    if problems:
        raise Problems(problems)
    return tuple(parsed)


Name = Annotated[str, AfterValidator(_name)]
Duration = Annotated[
    float, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": f"^({_DURATION.pattern})$"})
]
Rate = Annotated[float, BeforeValidator(_rate), WithJsonSchema({"type": "string", "pattern": f"^{_RATE.pattern}$"})]
_OneOrMany = Annotated[
    tuple[_Text, ...],
    BeforeValidator(listed),
    AfterValidator(some),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Texts = _OneOrMany[str]
HeaderChecks = _OneOrMany[Annotated[str, AfterValidator(header_check)]]
AudioChecks = _OneOrMany[Annotated[str, AfterValidator(audio_check)]]
RuleName = Annotated[str, AfterValidator(_rule)]
Keys = Annotated[str, AfterValidator(_keys)]
Thresholds = Annotated[
    tuple[Threshold, ...],
    BeforeValidator(_thresholds),
    WithJsonSchema(
        {
            "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "type": "object",
            "description": "Figures and what they must reach. A rate: '>= 0.95', or '>= 0.95 lower95', which holds the "
            "lower end of its 95 % Wilson interval against the limit (upper95: the upper end), so that few calls "
            "prove little. A delay: 'p99 < 20ms' (p50, p95, p99 or max).",
        }
    ),
]

"""How a refusal is put to the caller, chosen by rule: the status, and where they can complain."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from proxy.policy.precedence import REFUSING
from proxy.yaml_file import Problem, Problems, did_you_mean

_HTTPS = re.compile(r"https://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,=%]+")  # no ; which parts the fields of a 603+
_TEL = re.compile(r"\+?[0-9]{3,15}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


def _written(pattern: re.Pattern[str], expected: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(expected)
        return text

    return AfterValidator(check)


Https = Annotated[str, _written(_HTTPS, "an https address without spaces, quotes and semicolons")]
Tel = Annotated[str, _written(_TEL, "a telephone number: digits, with + in front where it is international")]
Email = Annotated[str, _written(_EMAIL, "an e-mail address")]


class Answer(BaseModel):
    """One way to refuse.

    `603+` is ATIS-1000099, and names one contact for complaints; with 608 (RFC 8688) `url` is where the signed card
    is published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reject: Literal["433", "603", "603+", "607", "608"]
    url: Https | None = None
    tel: Tel | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def _names_its_contact(self) -> Answer:
        contacts = [name for name in ("url", "tel", "email") if getattr(self, name)]
        if self.reject == "603+" and len(contacts) != 1:
            raise Problems([Problem((), "one of url, tel and email beside 603+")])
        if self.reject == "608" and contacts != ["url"]:
            raise Problems([Problem((), "the url of the signed card beside 608, and no other contact")])
        if self.reject in ("433", "603", "607") and contacts:
            raise Problems([Problem((contacts[0],), f"no contact: {self.reject} cannot carry one")])
        return self

    @property
    def status(self) -> int:
        """The SIP status code."""
        return int(self.reject[:3])

    @property
    def phrase(self) -> str:
        """The reason phrase where it is not the standard one of the status, else ""."""
        return "Network Blocked" if self.reject == "603+" else ""


class Card(BaseModel):
    """Whom a caller refused with 608 may turn to, and where the certificate of the key that signs it is published."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    certificate_url: Https
    url: Https | None = None
    tel: Tel | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Card:
        if not (self.url or self.tel or self.email):
            raise Problems([Problem((), "a url, tel or email that callers can complain to")])
        return self


# What only one rule may say: 433 is about anonymity (RFC 5079), 607 is a person's own decision (RFC 8197).
_RESERVED = {"433": "anonymous.reject", "607": "subscriber.block"}


def _refusing(rule: str) -> str:
    if rule not in REFUSING:
        raise ValueError(f"a rule that refuses: {did_you_mean(rule, REFUSING)}")
    return rule


def _check_reserved(answers: dict[str, Answer]) -> dict[str, Answer]:
    """Hold each status to the rules that may use it. Raises Problems."""
    problems = [
        Problem((rule, "reject"), f"{answer.reject} for {only} only")
        for rule, answer in answers.items()
        if (only := _RESERVED.get(answer.reject, rule)) != rule
    ]
    if problems:
        raise Problems(problems)
    return answers


Treatments = Annotated[
    dict[Annotated[str, AfterValidator(_refusing)], Answer],
    AfterValidator(_check_reserved),
]


def reference(call_id: str, timestamp: str) -> str:
    """What a refused caller quotes when they complain: 24 hex digits made of the record's `call_id` and `timestamp`.

    Callers choose their Call-ID and may use one twice: the time keeps such calls apart.
    """
    return blake2b(f"{timestamp} {call_id}".encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()

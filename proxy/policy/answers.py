"""The way in which a refusal is put to the caller: an announcement, the status, and where they can complain."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from proxy.files.yaml_file import Problem, Problems
from proxy.policy.precedence import Action

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
Prompt = Annotated[str, _written(re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*"), "the name of a prompt, such as barred")]
Tel = Annotated[str, _written(_TEL, "a telephone number: digits, with + in front where it is international")]
Email = Annotated[str, _written(_EMAIL, "an e-mail address")]


class Treatment(BaseModel):
    """The treatment of calls that a rule decides, instead of what the rule itself would do.

    `only` holds it to callers from overseas, or to those of them that show a home number (`home_from_abroad`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    only: Literal["overseas", "home_from_abroad"] | None = None

    @property
    def action(self) -> Action:
        """The action that the verdict names."""
        raise NotImplementedError

    @property
    def status(self) -> int | None:
        """The SIP status code of a refusal."""
        return None

    @property
    def phrase(self) -> str:
        """The reason phrase of a refusal where it is not the standard one of the status, else ""."""
        return ""

    def service(self, number: str, arrival: float) -> str:  # noqa: ARG002  # most need neither
        """The service of the switch that the call goes to, as the user part of its Request-URI; "" for none.

        `number` is the callee's, to be written after it where the service calls them; `arrival` is in epoch seconds.
        """
        return ""


class Answer(Treatment):
    """One way to refuse, after an announcement where `announce` names a prompt of the switch.

    `603+` is ATIS-1000099, and names one contact for complaints; with 608 (RFC 8688) `url` is where the signed card
    is published, and the announcement is left out for callers whose network says that it understands 608.
    """

    reject: Literal["433", "603", "603+", "607", "608"]
    announce: Prompt | None = None
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
        if self.reject == "608" and not self.announce:
            raise Problems(
                [Problem((), "announce: PROMPT beside 608, for callers whose network does not know it (RFC 8688)")]
            )
        if self.reject in ("433", "603", "607") and contacts:
            raise Problems([Problem((contacts[0],), f"no contact: {self.reject} cannot carry one")])
        return self

    @property
    def action(self) -> Action:
        return "reject"

    @property
    def status(self) -> int:
        return int(self.reject[:3])

    @property
    def phrase(self) -> str:
        return "Network Blocked" if self.reject == "603+" else ""

    def service(self, number: str, arrival: float) -> str:  # noqa: ARG002
        return f"rf*announce*{self.announce}" if self.announce else ""


class Card(BaseModel):
    """The contact for callers refused with 608, and the address of the certificate of the key that signs it."""

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


def reference(call_id: str, timestamp: str) -> str:
    """The reference for a refused caller's complaint: 24 hex digits of the record's `call_id` and `timestamp`.

    Callers choose their Call-ID and may use one twice: the time keeps such calls apart.
    """
    return blake2b(f"{timestamp} {call_id}".encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()

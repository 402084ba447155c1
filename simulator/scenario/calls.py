"""The calls of a scenario: one or many alike, who calls whom, what is true of them and what is expected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from proxy.files.yaml_file import Problem, Problems, did_you_mean
from simulator.scenario.fields import (
    AudioChecks,
    Duration,
    HeaderChecks,
    Keys,
    Model,
    Name,
    Rate,
    RuleName,
    Texts,
    subscriber_names,
)
from simulator.scenario.headers import CallerHeaders, is_presentable, one_line

# The trunks that every lab has, and their kinds.
TRUNKS: Mapping[str, str] = {"international": "international", "domestic": "domestic", "phones": "access"}
TrunkName = Literal["international", "domestic", "phones"]
Behaviour = Literal["answer", "ring_only", "busy", "reject", "cancel"]

_DIALLED = re.compile(r"[+*#0-9][*#0-9]*")
_PREFIX = re.compile(r"\+[1-9][0-9]{0,13}")
_SOUND = frozenset({"caller_hears", "phone_hears", "switch_hears", "caller_presses", "phone_presses"})
# What an agent cannot do or witness, and who can.
_BEYOND: Mapping[str, tuple[Set[str], str]] = {
    "pjsua": ({"caller_sees", "phone_sees"}, "agent: wire: real phones do not show it"),
    "wire": (_SOUND, "agent: pjsua: wire agents have no sound"),
}
_MOST = 1_000_000  # calls of a campaign, numbers of a pool
_SETTLES = 0.4  # seconds that a call takes beside ringing and talking, where neither is said included
_POOL_DIGITS = 6  # that follow a pool's prefix where its length is not said


class Pool(Model):
    """`pool` different numbers that begin with `prefix` and have `length` digits (6 more than the prefix's).

    `impossible` says that numbers of a length that no country has are meant.
    """

    prefix: str
    pool: Annotated[int, Field(ge=1, le=_MOST)]
    length: Annotated[int, Field(le=15)] | None = None
    impossible: bool = False

    @field_validator("prefix")
    @classmethod
    def _is_prefix(cls, prefix: str) -> str:
        if not _PREFIX.fullmatch(prefix):
            raise ValueError('the first digits of a number in E.164 form, such as "+23224"')
        return prefix

    @model_validator(mode="after")
    def _is_large_enough(self) -> Pool:
        if self.free_digits < 1 or self.pool > 10**self.free_digits:
            raise ValueError(f"a prefix and length that leave room for {self.pool:,} numbers")
        return self

    @property
    def free_digits(self) -> int:
        """The number of digits behind the prefix; below 0 where there is no room for any."""
        given = len(self.prefix) - 1
        return (self.length or min(given + _POOL_DIGITS, 15)) - given


Caller = Annotated[
    Annotated[Pool, Tag("a pool")] | Annotated[Texts, Tag("numbers")],
    Discriminator(lambda value: "a pool" if isinstance(value, dict | Pool) else "numbers"),
]


class Expect(Model):
    """The expected outcome of a call. `status` is what the caller's side gets. Where neither `action` nor `rule` nor
    `status` is said, the call's truth or a threshold judges what became of it, beside what is said here.

    `caller_sees` are header lines of the refusal that the caller gets, `phone_sees` those of the INVITE or MESSAGE that
    the phone gets, such as "From: *Overseas call*"; * stands for anything. Both are for wire agents.
    What real phones hear (`agent: pjsua`) is told by their recordings: an announcement by its name, the voice of the
    other side (`caller` or `phone`), or `nothing`. `switch_hears` is what a mailbox or honeypot recorded.
    """

    action: Literal["allow", "label", "challenge", "divert", "reject"] | None = None
    rule: RuleName | None = None
    status: Annotated[int, Field(ge=200, le=699)] | None = None
    caller_sees: HeaderChecks = ()
    phone_sees: HeaderChecks = ()
    caller_hears: AudioChecks = ()
    phone_hears: AudioChecks = ()
    switch_hears: AudioChecks = ()

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _says_something(self) -> Expect:
        if all(getattr(self, name) in (None, ()) for name in type(self).model_fields):
            raise ValueError("something that should become of the call, such as {action: allow}, or no expect")
        return self

    @property
    def settles_outcome(self) -> bool:
        """True if anything is said of what becomes of the call, be it what its truth asks for or not."""
        return any(said is not None for said in (self.action, self.rule, self.status))

    @property
    def hears(self) -> bool:
        """True if anything is said of what is heard."""
        return bool(self.caller_hears or self.phone_hears or self.switch_hears)


class Calls(CallerHeaders):
    """One call (`call: NAME`) or many alike (`campaign: NAME`); texts with the words `body` for `method: MESSAGE`.

    `from` is a number as it shall be presented (anything a SIP user part may hold), a list of them, a pool, a
    subscriber, `anonymous`, or a SIP or tel URI; on the trunk `phones` it is a subscriber. `to` is a subscriber, a
    number to dial, or a list. Times: `start` from the beginning of the run to the first call, or from the end of all
    calls of the entries that `after` names; `ring` from the phone's 180 to what it does then, `talk` from the answer to
    the caller's BYE, `cancel_after` from ringing to the caller's CANCEL. Texts know `after` and `start` only.
    `presents` is what a subscriber's phone claims as its number instead of their own.
    Real phones press the keys `caller_presses` and `phone_presses` after the answer, each after 3 s of listening.
    """

    campaign: Name | None = None
    call: Name | None = None
    method: Literal["INVITE", "MESSAGE"] = "INVITE"
    body: Annotated[str, Field(min_length=1)] | None = None
    trunk: TrunkName
    from_: Annotated[Caller, Field(alias="from")]
    presents: str | None = None
    to: Texts
    count: Annotated[int, Field(ge=1, le=_MOST)] = 1
    rate: Annotated[Rate, Field(json_schema_extra={"default": "10/s"})] = 10.0
    arrivals: Literal["steady", "poisson"] = "steady"
    after: Texts = ()
    start: Annotated[Duration, Field(json_schema_extra={"default": "0s"})] = 0.0
    ring: Duration | None = None
    talk: Duration | None = None
    cancel_after: Duration | None = None
    answer: Literal["answer", "ring_only", "busy", "reject"] | None = None
    agent: Literal["wire", "pjsua"] = "wire"
    caller_presses: Keys = ""
    phone_presses: Keys = ""
    truth: Literal["scam", "legit", "attack"]
    family: Name | None = None
    display_name: Annotated[str, AfterValidator(one_line)] = ""
    expect: Expect | None = None

    @property
    def name(self) -> str:
        """The campaign's or the call's name."""
        return self.campaign or self.call or ""

    @property
    def own_phones(self) -> frozenset[str]:
        """The subscribers whose own phones take part: the called ones, and those that call over their own trunk."""
        calling = () if isinstance(self.from_, Pool) or TRUNKS[self.trunk] != "access" else self.from_
        return frozenset(self.to) | frozenset(calling)

    @property
    def at_once(self) -> float:
        """About how many of a campaign's calls each of the called ones has at a time; texts take no time."""
        if self.method == "MESSAGE":
            return 0.0
        lasts = (self.ring or 0.0) + (self.talk or 0.0) + (self.cancel_after or 0.0) + _SETTLES
        return min(self.count, self.rate * lasts) / len(self.to)

    @property
    def behaviour(self) -> Behaviour:
        """The phone's behaviour. A call of which only the ringing is said is not answered."""
        if self.cancel_after is not None:
            return "cancel"
        only_rings = self.ring is not None and self.talk is None
        return self.answer or ("ring_only" if only_rings else "answer")

    @property
    def _said(self) -> list[tuple[str, ...]]:
        """The keys that the file sets, here and in `expect`."""
        expected = [("expect", name) for name in (self.expect.model_fields_set if self.expect else ())]
        return [*expected, *((name,) for name in self.model_fields_set)]

    @field_validator("from_")
    @classmethod
    def _callers_exist(cls, callers: Pool | tuple[str, ...], info: ValidationInfo) -> Pool | tuple[str, ...]:
        known = subscriber_names(info)
        if info.data.get("trunk") == "phones":
            if isinstance(callers, Pool):
                raise ValueError(f"a subscriber: {did_you_mean('', known)}")
            wrong = [index for index, caller in enumerate(callers) if caller not in known]
            if wrong:
                raise Problems(
                    Problem((index,), f"a subscriber: {did_you_mean(callers[index], known)}") for index in wrong
                )
        elif not isinstance(callers, Pool):
            wrong = [index for index, caller in enumerate(callers) if not is_presentable(caller)]
            if wrong:
                raise Problems(Problem((index,), "a number, a subscriber, anonymous, or a URI") for index in wrong)
        return callers

    @field_validator("presents")
    @classmethod
    def _may_differ(cls, presented: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("trunk") != "phones":
            raise ValueError("nothing: only on the trunk phones may it differ from `from`")
        if presented is not None and not is_presentable(presented):
            raise ValueError("a number, a subscriber, anonymous, or a URI")
        return presented

    @field_validator("to")
    @classmethod
    def _callees_exist(cls, callees: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = subscriber_names(info)
        wrong = [i for i, callee in enumerate(callees) if callee not in known and not _DIALLED.fullmatch(callee)]
        if wrong:
            raise Problems(
                Problem((index,), f"a number to dial, or a subscriber: {did_you_mean(callees[index], known)}")
                for index in wrong
            )
        return callees

    @model_validator(mode="after")
    def _one_or_many(self) -> Calls:
        if (self.campaign is None) == (self.call is None):
            raise ValueError("either campaign: NAME or call: NAME")
        if self.call and self.count > 1:
            raise Problems([Problem(("count",), "1, or a campaign: for several calls")])
        return self

    @model_validator(mode="after")
    def _can_be_witnessed(self) -> Calls:
        names, expected = _BEYOND[self.agent]
        if wrong := [path for path in self._said if path[-1] in names]:
            raise Problems(Problem(path, expected) for path in wrong)
        return self

    @model_validator(mode="after")
    def _call_or_text(self) -> Calls:
        if self.method == "INVITE":
            if self.body is not None:
                raise Problems([Problem(("body",), "no body, or method: MESSAGE beside it")])
            return self
        problems = [
            Problem(path, "nothing here: a text does not ring, and nobody talks")
            for path in self._said
            if path[-1] in {"ring", "talk", "cancel_after", "answer", *_SOUND}
        ]
        if self.body is None:
            problems.append(Problem(("method",), "body: TEXT beside it"))
        if problems:
            raise Problems(problems)
        return self

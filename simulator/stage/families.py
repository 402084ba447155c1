"""The families of calls on the trainer's buttons: a plausible caller of each, as the shipped scenarios have them.

Numbers are fictitious or reserved for fiction where the lab's home has such, and else of its shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_DRAWN = 40  # numbers of a family, one after another
_CALLEE = "{callee}"  # stands for the number of whom is called


@dataclass(frozen=True, slots=True)
class Family:
    """One button. `caller` has its last digits in the place of `{}`; `more` are further keys of the call."""

    en: str
    zh: str
    trunk: str
    truth: str
    caller: str
    display_name: str = ""
    more: tuple[tuple[str, str], ...] = ()

    def call(self, number: int, callee: str) -> dict[str, str]:
        """The call's keys; `number`, from 1, chooses among its callers, `callee` is the number of whom is called."""
        digits = f"{1 + (number - 1) % _DRAWN:02}"
        caller = callee if self.caller == _CALLEE else self.caller.format(digits)
        chosen = {"from": caller, "trunk": self.trunk, "truth": self.truth, "display_name": self.display_name}
        return chosen | dict(self.more)

    def to_json(self, name: str) -> dict[str, Any]:
        """It as the page draws it; an empty `from` is the number of whom is called, and one that ends in `…` stands for
        several."""
        return {
            "id": name,
            "title": {"en": self.en, "zh": self.zh},
            "from": "" if self.caller == _CALLEE else self.caller.format("…"),
            "trunk": self.trunk,
            "display_name": self.display_name,
            "truth": self.truth,
            "method": dict(self.more).get("method", "INVITE"),
        }


_FAMILIES: Mapping[str, Family] = {
    "wangiri": Family(
        "One ring and cut", "响一声就挂", "international", "scam", "+232245550{}", more=(("ring", "1s"),),
    ),
    "spoofing": Family("Home number from abroad", "境外冒用国内号码", "international", "scam", ""),
    "impersonation": Family("“Police” from abroad", "境外“公安局”来电", "international", "scam", ""),
    "own-number": Family("Your own number calls", "“自己”打来的电话", "international", "scam", _CALLEE),
    "cold-call": Family("Cold call from abroad", "境外推销来电", "international", "scam", "+120255501{}"),
    "reported": Family("Reported number", "被举报的号码", "international", "scam", "+12025550143"),
    "anonymous": Family("Number withheld", "隐藏号码来电", "domestic", "scam", "anonymous"),
    "text": Family(
        "Scam text from abroad", "境外诈骗短信", "international", "scam", "+120255501{}",
        more=(("method", "MESSAGE"), ("body", "Your parcel is held at customs. Pay the fee at parcel.example")),
    ),
    "family": Family("Daughter abroad", "在国外的女儿", "international", "legit", "+6591234567"),
    "bank": Family("Bank abroad", "境外银行", "international", "legit", "+442079460123", "Example Bank"),
    "friend": Family("Friend at home", "国内朋友", "domestic", "legit", ""),
    "courier": Family("Courier at the door", "快递员", "domestic", "legit", "", more=(("ring", "1s"), ("talk", "1s"))),
    "warning-line": Family("The genuine police", "真正的警方来电", "domestic", "legit", ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Home:
    """The callers of a home country: a fixed number, mobile ones, the police and the name that it shows."""

    fixed: str
    mobile: str
    courier: str
    police: str
    name: str
    abroad: str = "+120255501{}"
    daughter: str = "+6591234567"
    bank: str = "+442079460123"


_HOMES: Mapping[str, _Home] = {
    "CN": _Home("+8610555501{}", "+86139001390{}", "+86139001391{}", "96110", "公安局"),
    "GB": _Home("+4420794601{}", "+4477009009{}", "+4477009008{}", "101", "Police", bank="+12025550188"),
    "US": _Home(
        "+120255501{}", "+120255501{}", "+121255501{}", "911", "Police Department", abroad="+4420794601{}"
    ),
    "AU": _Home("+612555000{}", "+614915701{}", "+614915706{}", "131444", "Police"),
    "SG": _Home("+65612345{}", "+65912345{}", "+65812345{}", "999", "Singapore Police", daughter="+61491570156"),
    "IN": _Home("+9111555501{}", "+9199000000{}", "+9198000000{}", "112", "Police"),
    "TW": _Home("+8862555501{}", "+8869125550{}", "+8869225550{}", "165", "警察局"),
}  # fmt: skip
NAMES = tuple(_FAMILIES)


def families_of(home: str, neighbour: str) -> dict[str, Family]:
    """The families as they call in a country; in one that is not known here callers look like `neighbour`, a number of
    one of its subscribers."""
    beside = f"{neighbour[:-2]}{{}}"
    own = _HOMES.get(home) or _Home(beside, beside, beside, "112", "Police")
    callers = {
        "spoofing": own.fixed,
        "impersonation": own.police,
        "cold-call": own.abroad,
        "text": own.abroad,
        "family": own.daughter,
        "bank": own.bank,
        "friend": own.mobile,
        "courier": own.courier,
        "warning-line": own.police,
    }
    found = {name: replace(family, caller=callers.get(name, family.caller)) for name, family in _FAMILIES.items()}
    found["impersonation"] = replace(found["impersonation"], display_name=own.name)
    return found

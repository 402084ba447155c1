"""The families of calls on the trainer's buttons: a plausible caller of each, as the shipped scenarios have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DRAWN = 40  # numbers of a family, one after another


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

    def call(self, number: int) -> dict[str, str]:
        """The call's keys; `number` chooses among its callers."""
        caller = self.caller.format(f"{1 + number % _DRAWN:02}")
        chosen = {"from": caller, "trunk": self.trunk, "truth": self.truth, "display_name": self.display_name}
        return chosen | dict(self.more)

    def to_json(self, name: str) -> dict[str, Any]:
        """It as the page draws it."""
        return {
            "id": name,
            "title": {"en": self.en, "zh": self.zh},
            "from": self.caller.format("01"),
            "trunk": self.trunk,
            "display_name": self.display_name,
            "truth": self.truth,
            "method": dict(self.more).get("method", "INVITE"),
        }


FAMILIES: Mapping[str, Family] = {
    "wangiri": Family("One ring", "响一声就挂", "international", "scam", "+232245550{}", more=(("ring", "1s"),)),
    "spoofing": Family("Home number from abroad", "境外伪冒本地号码", "international", "scam", "+8610555501{}"),
    "impersonation": Family("“Police” from abroad", "境外“公安局”来电", "international", "scam", "96110", "公安局"),
    "cold-call": Family("Cold call from abroad", "境外推销来电", "international", "scam", "+120255501{}"),
    "family": Family("Daughter abroad", "在国外的女儿", "international", "legit", "+6591234567"),
    "friend": Family("Friend at home", "国内朋友", "domestic", "legit", "+86139001390{}"),
    "anonymous": Family("Number withheld", "隐藏号码来电", "domestic", "scam", "anonymous"),
    "text": Family(
        "Scam text from abroad", "境外诈骗短信", "international", "scam", "+120255501{}",
        more=(("method", "MESSAGE"), ("body", "Your parcel is held at customs. Pay the fee at parcel.example")),
    ),
    "warning-line": Family("The genuine 96110", "真正的96110", "domestic", "legit", "96110"),
}  # fmt: skip

"""The names of countries on a phone's screen, from country_names.csv (after the Unicode CLDR, in its short forms).

Its last rows are for callers of no country: satellite phones, other international networks, and whoever hides it.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Literal

from proxy.numbers.numbering import Number

Language = Literal["en", "zh"]
_SATELLITES = ("+870", "+881")  # Inmarsat, and the global mobile satellite systems


def origin_name(number: Number, language: Language) -> str:
    """The country that a number belongs to: "Singapore", "satellite", "origin unknown"."""
    if number.e164 is None or number.is_invalid:  # a region that such a one has is a pretended one
        return unknown_origin(language)
    if number.region is None:
        return _names(language)["satellite" if number.e164.startswith(_SATELLITES) else "international"]
    return _names(language).get(number.region) or unknown_origin(language)


def unknown_origin(language: Language) -> str:
    """The words for a country that cannot be told."""
    return _names(language)["unknown"]


@cache  # one entry a language
def _names(language: Language) -> dict[str, str]:
    with Path(__file__).with_name("country_names.csv").open(encoding="utf-8", newline="") as rows:
        return {row["region"]: row[language] for row in csv.DictReader(rows)}

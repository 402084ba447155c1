"""Codes in front of dialled numbers, by country: read from dialling_codes.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from proxy.files import yaml_file

_FILE = Path(__file__).with_name("dialling_codes.yaml")


@dataclass(frozen=True, slots=True)
class DiallingCodes:
    """Codes of one country: `withhold` and `present` the caller's number for a call, choose a `carrier`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    source: str
    withhold: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    carrier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _CodesByCountry:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    everywhere: DiallingCodes
    countries: dict[str, DiallingCodes]


def dialling_codes(region: str) -> tuple[DiallingCodes, ...]:
    """The codes of everywhere, and those of a country (ISO 3166)."""
    data = _load()
    return data.everywhere, data.countries.get(region) or DiallingCodes("")


@cache  # one value
def _load() -> _CodesByCountry:
    return yaml_file.load(_FILE, _CodesByCountry)

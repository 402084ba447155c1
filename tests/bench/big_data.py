"""Lists and subscribers as a large operator has them, made up from a seed: the files that the proxy reads in the bench.

Listed numbers are whole ones and, one in a thousand, prefixes, from fifteen countries, with all columns filled; the
country's range is real, the number behind it random. Subscribers are in SQLite, with barring, lists and credentials.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from proxy.policy.profile import Subscriber
from proxy.subscribers.sqlite import save_subscribers
from tests.bench.decisions import made_subscriber

_RANGES = (1202, 4477, 232, 2327, 6591, 8613, 4917, 336, 3933, 8190, 917, 5521, 23480, 62812, 63917)
_CATEGORIES = ("wangiri", "parcel", "bank", "tax-office", "family-emergency", "lottery", "tech-support")
_SOURCES = ("regulator", "subscribers", "carrier-7", "")
_DAYS = ("", *(f"20{year}-{month:02}-{day:02}" for year in (30, 31) for month in range(1, 13) for day in range(1, 29)))
_AT_ONCE = 50_000


def write_list(path: Path, entries: int, seed: int = 11) -> None:
    """Write a scam list of so many entries."""
    chance = random.Random(seed)
    rows = _rows(chance, entries)
    with path.open("w") as file:
        file.write("number,category,confidence,source,expires\n")
        while some := list(islice(rows, _AT_ONCE)):
            file.writelines(some)


def _rows(chance: random.Random, entries: int) -> Iterator[str]:
    draw, number = chance.random, chance.randrange
    for index in range(entries):
        digits, star = (number(10**4), "*") if index % 1000 == 7 else (number(2 * 10**6, 10**8), "")
        word = _CATEGORIES[int(draw() * len(_CATEGORIES))]
        source, day = _SOURCES[int(draw() * len(_SOURCES))], _DAYS[int(draw() * len(_DAYS))]
        confidence = int(5000 + draw() * 5001) / 10_000
        yield f"+{_RANGES[int(draw() * len(_RANGES))]}{digits}{star},{word},{confidence:g},{source},{day}\n"


def subscribers(count: int) -> Iterator[Subscriber]:
    """Subscribers at home in China, `+861390` and seven digits."""
    return map(made_subscriber, range(count))


def write_subscribers(path: Path, count: int) -> None:
    """Write a database of so many subscribers."""
    save_subscribers(path, subscribers(count))

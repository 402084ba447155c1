"""Pages of a scam list: no look-up has to search beyond one, and an unmarked one has nothing to do with prefixes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.reputation.pages import KEY_BITS, SHIFT, SHIFT_BITS, Keys, paged
from proxy.reputation.sorted_rows import digits_of, ends_of, keys_of

# Numbers with the digits that they begin with, as lists have them: spread evenly, of few countries, of one exchange.
SPREADS = ((), (1202, 4477, 232, 8613), (1202555,))


def made(chance: np.random.Generator, count: int, beginnings: tuple[int, ...], prefixes: float) -> Keys:
    """Sorted keys, that share of them prefixes."""
    firsts = chance.choice(beginnings, count) if beginnings else chance.integers(1, 10**5, count)
    numbers = np.array([int(f"{first}{chance.integers(10 ** chance.integers(1, 8))}") for first in firsts], np.uint64)
    is_prefix = chance.random(count) < prefixes
    return np.sort(keys_of(numbers, digits_of(numbers), is_prefix))


def in_own_memory(kind: Any, count: int) -> npt.NDArray[Any]:
    return np.empty(count, kind)


def page_of(pages: dict[str, npt.NDArray[Any]], wanted: Keys) -> npt.NDArray[np.int64]:
    """The page of each key, as a look-up opens the book."""
    volume = pages["volume"][wanted >> np.uint64(KEY_BITS - len(pages["volume"]).bit_length() + 1)]
    found: npt.NDArray[np.int64] = (volume >> SHIFT_BITS) + (wanted.astype(np.int64) >> (volume & SHIFT))
    return found


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    count=st.sampled_from([0, 1, 63, 64, 65, 700, 3000]),
    beginnings=st.sampled_from(SPREADS),
    prefixes=st.sampled_from([0.0, 0.002, 0.1, 1.0]),
)
def test_a_key_stands_on_its_page_or_nowhere_and_what_covers_it_marks_the_page(
    seed: int, count: int, beginnings: tuple[int, ...], prefixes: float
) -> None:
    chance = np.random.default_rng(seed)
    keys = made(chance, count, beginnings, prefixes)
    pages = paged(keys, in_own_memory)
    ends = ends_of(keys[keys & np.uint64(1) == 0])
    others = made(chance, 500, beginnings, 0.0)
    edges = np.array([1, 10**14 << 5, (10**15 << 5) - 1], np.uint64)
    wanted = np.concatenate([keys, keys | np.uint64(1), ends - np.uint64(1), ends, others, edges])
    wanted = wanted[wanted < 10**15 << 5]
    page = page_of(pages, wanted)
    places = keys.searchsorted(wanted, side="right")
    assert (pages["page"][page] >> 1 <= places).all()
    assert (places <= pages["page"][page + 1] >> 1).all()
    starts = np.sort(keys[keys & np.uint64(1) == 0])
    covered = starts.searchsorted(wanted, side="right") > np.sort(ends).searchsorted(wanted, side="right")
    assert (pages["page"][page[covered]] & 1 == 1).all()
    if prefixes == 0:
        assert not (pages["page"] & 1).any()


@pytest.mark.parametrize("beginnings", SPREADS[:2])
def test_pages_are_small_wherever_the_entries_are_and_take_little_memory(beginnings: tuple[int, ...]) -> None:
    keys = made(np.random.default_rng(7), 20_000, beginnings, 0.001)
    pages = paged(keys, in_own_memory)
    fills = np.diff(pages["page"].astype(np.int64) >> 1)
    assert fills.sum() == len(keys)
    assert (fills * fills).sum() / len(keys) < 2_000  # entries on the page of an entry, on average: of 20,000
    assert sum(each.nbytes for each in pages.values()) / len(keys) < 0.5

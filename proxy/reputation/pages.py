"""The pages of a scam list: where in its sorted array to begin looking.

The keys that there may be are parted into volumes of equal width, each of these into as many pages as its entries
fill. So a page has few entries, also where most of a list is in some countries, and no look-up searches more than one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from proxy.reputation.sorted_rows import DIGITS, ends_of

KEY_BITS: Final = (10**DIGITS << 5).bit_length()
SHIFT_BITS: Final = 6  # of a volume: the bits of a key below those that tell the page
SHIFT: Final = (1 << SHIFT_BITS) - 1
_MOST_VOLUME_BITS: Final = 13  # few enough volumes to stay in the processor's cache
_A_VOLUME: Final = 128  # entries, on average, at least
_A_PAGE: Final = 64  # entries, on average, at least, and fewer than twice as many where they are spread evenly
_AT_ONCE: Final = 1 << 16  # pages, or entries

Keys = npt.NDArray[np.uint64]
Allocate = Callable[[Any, int], npt.NDArray[Any]]  # a column's data type and length -> where to put it


def paged(keys: Keys, allocate: Allocate) -> dict[str, npt.NDArray[Any]]:
    """The `volume` and `page` of sorted keys.

    A volume is told by the first bits of a key; it holds what to add to the bits that tell the page, to have its
    number, then how many bits follow these. A page holds the place of its first entry, and 1 in its last bit where it
    has to do with any prefix; one more follows the last.
    """
    bits = min(_MOST_VOLUME_BITS, (len(keys) // _A_VOLUME).bit_length())
    width = KEY_BITS - bits
    firsts = keys.searchsorted(np.arange((1 << bits) + 1, dtype=np.uint64) << np.uint64(width))
    fills = np.diff(firsts) // _A_PAGE
    page_bits = np.minimum(np.frexp(fills)[1], width)  # the length of each in bits
    counts = np.int64(1) << page_bits
    ends = counts.cumsum()
    volumes = allocate(np.int64, len(counts))
    volumes[:] = (ends - counts - (np.arange(len(counts)) << page_bits)) << SHIFT_BITS | (width - page_bits)
    pages = allocate(np.uint32, int(ends[-1]) + 1)
    _find_firsts(keys, volumes, ends, pages)
    _mark_prefixes(keys, volumes, width, pages)
    return {"volume": volumes, "page": pages}


def _find_firsts(
    keys: Keys, volumes: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], pages: npt.NDArray[np.uint32]
) -> None:
    """Write the place of the first entry of each page."""
    count = len(pages) - 1
    for start in range(0, count, _AT_ONCE):
        numbers = np.arange(start, min(start + _AT_ONCE, count))
        volume = volumes[ends.searchsorted(numbers, side="right")]
        lowest = (numbers - (volume >> SHIFT_BITS)) << (volume & SHIFT)
        pages[start : start + len(numbers)] = keys.searchsorted(lowest.astype(np.uint64)) << 1
    pages[count] = len(keys) << 1


def _mark_prefixes(keys: Keys, volumes: npt.NDArray[np.int64], width: int, pages: npt.NDArray[np.uint32]) -> None:
    """Mark the pages with a key, or room for one, of a prefix or under it."""
    begun = np.zeros(len(pages), np.int32)  # prefixes that begin on a page, less those that ended before it
    for start in range(0, len(keys), _AT_ONCE):
        part = keys[start : start + _AT_ONCE]
        prefixes = part[part & np.uint64(1) == 0]
        np.add.at(begun, _pages_of(prefixes, volumes, width), 1)
        np.add.at(begun, _pages_of(ends_of(prefixes) - np.uint64(1), volumes, width) + 1, -1)
    begun.cumsum(out=begun)
    pages |= (begun > 0).astype(np.uint32)


def _pages_of(keys: Keys, volumes: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.int64]:
    volume = volumes[keys >> np.uint64(width)]
    pages: npt.NDArray[np.int64] = (volume >> SHIFT_BITS) + (keys.astype(np.int64) >> (volume & SHIFT))
    return pages

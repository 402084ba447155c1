"""Rows come out in order, whatever order they went in and however they were dealt into buckets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from proxy.reputation.sorted_rows import ROW, Rows, SortedRows, digits_of, keys_of, rows_of


def rows_with(keys: list[int], confidences: list[int], file: int = 0) -> Rows:
    """Rows whose `category` is their place."""
    places = np.arange(len(keys), dtype=np.uint16)
    columns = {"category": places, "confidence": np.array(confidences, np.uint16), "source": 0, "expires": 0}
    return rows_of(np.array(keys, np.uint64), **columns, file=file)


def taken(rows: SortedRows) -> list[tuple[int, int, int]]:
    together = np.concatenate([np.empty(0, ROW), *rows.take()])
    return [(int(row["key"]), int(row["confidence"]), int(row["category"])) for row in together]


ROWS = st.lists(st.tuples(st.integers(0, 9) | st.integers(0, 2**50), st.integers(0, 3)), max_size=60)


@given(rows=ROWS, at_once=st.integers(1, 20), large=st.integers(1, 10))
def test_rows_come_by_key_then_confidence_then_as_they_came(
    rows: list[tuple[int, int]], at_once: int, large: int
) -> None:
    keys, confidences = [key for key, _ in rows], [confidence for _, confidence in rows]
    whole, buckets = rows_with(keys, confidences), SortedRows(large)
    for start in range(0, len(whole), at_once):
        buckets.add(whole[start : start + at_once])
    assert len(buckets) == len(rows)
    assert taken(buckets) == sorted((key, confidence, place) for place, (key, confidence) in enumerate(rows))
    assert len(buckets) == 0


@given(first=ROWS, second=ROWS)
def test_the_rows_of_one_file_can_be_dropped(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    buckets = SortedRows(5)
    for file, rows in enumerate((first, second)):
        buckets.add(rows_with([key for key, _ in rows], [confidence for _, confidence in rows], file))
    buckets.drop(0)
    assert len(buckets) == len(second)
    assert taken(buckets) == sorted((key, confidence, place) for place, (key, confidence) in enumerate(second))


def test_keys_stand_as_in_a_telephone_book_a_prefix_before_what_is_under_it() -> None:
    patterns = ["", "1", "1*", "10*", "100", "101*", "11", "2*", "999999999999999"]
    numbers = np.array([int(each.rstrip("*") or 0) for each in patterns], np.uint64)
    prefix = np.array([each in ("", "1*", "10*", "101*", "2*") for each in patterns])
    order = keys_of(numbers, digits_of(numbers), prefix).argsort(kind="stable")
    assert [patterns[place] for place in order.tolist()] == [
        "",
        "1*",
        "1",
        "10*",
        "100",
        "101*",
        "11",
        "2*",
        patterns[-1],
    ]

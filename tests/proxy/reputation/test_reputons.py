"""Answers of remote sources: reputons as RFC 7071 writes them, and what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.policy.remote import Opinion, Reputon
from proxy.reputation.reputons import read, schema
from tests.plays.held import takes

NUMBER = "+23224123456"
ONE = {"rater": "desk.example", "assertion": "spam", "rated": NUMBER, "rating": 0.93}


def answer(*reputons: dict[str, Any]) -> bytes:
    return json.dumps({"application": "calls", "reputons": reputons}).encode()


def test_an_answer_of_the_standard_is_read() -> None:
    full = ONE | {"confidence": 0.8, "normal-rating": 0.1, "sample-size": 16938213, "generated": 1317795852}
    assert read(answer(full | {"expires": 1317795952}), NUMBER) == Opinion(
        (Reputon("spam", 0.93, 0.8),), expires=1317795952
    )


def test_no_reputons_are_an_answer_too() -> None:
    assert read(b'{"reputons": []}', NUMBER) == Opinion()


@pytest.mark.parametrize("rated", ["23224123456", "tel:+232-24-123456", "+232 24 123456"])
def test_the_number_may_be_written_otherwise(rated: str) -> None:
    assert read(answer(ONE | {"rated": rated, "rating": 1}), NUMBER).reputons == (Reputon("spam", 1.0),)


def test_the_first_to_expire_counts() -> None:
    both = answer(ONE | {"expires": 30}, ONE | {"expires": 20, "assertion": "fraud"}, ONE)
    assert read(both, NUMBER).expires == 20


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "Invalid JSON: EOF while parsing a value"),
        (b"<html>busy</html>", "Invalid JSON: expected value"),
        (b"[]", "should be an object"),
        (b'{"verdict": "spam"}', "reputons: Field required"),
        (answer({"assertion": "spam", "rated": NUMBER}), "reputons.0.rating: Field required"),
        (answer(ONE | {"rating": "0.9"}), "reputons.0.rating: Input should be a valid number"),
        (answer(ONE | {"rating": True}), "reputons.0.rating: Input should be a valid number"),
        (answer(ONE | {"rating": 1.01}), "reputons.0.rating: Input should be less than or equal to 1"),
        (answer(ONE | {"rating": float("nan")}), "reputons.0.rating: Input should be a finite number"),
        (answer(ONE | {"assertion": 'spam"\r\n'}), "reputons.0.assertion: String should match"),
        (answer(ONE | {"rated": "+23224123457"}), "an answer about another number"),
        (answer(ONE, ONE | {"rated": ""}), "an answer about another number"),
        (b"[" * 60_000, "recursion limit"),
        (b"\xff\xfe", "Invalid JSON"),
    ],
)
def test_what_is_no_such_answer_is_said_without_the_number(body: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told) as raised:
        read(body, NUMBER)
    assert NUMBER[1:] not in str(raised.value)


def test_the_schema_takes_what_is_read_and_refuses_what_is_not() -> None:
    assert takes(schema(), json.loads(answer(ONE)))
    assert not takes(schema(), {"reputons": [ONE | {"rating": 2}]})

"""Pseudonyms for numbers and names, wherever and however these are written."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.pseudonyms import Pseudonyms, split

NUMBERS = ["+8613800138001", "+6591234567", "+447700900123", "+13125550143"]
OURS = Pseudonyms("a key of the lab", "86", NUMBERS, ["alice", "mary-ann", "call", "bo"], ["call"])
OTHER = Pseudonyms("another key of it", "86", NUMBERS)
MAPPED = OURS.text("+8613800138001")[3:]  # what follows the country code


@pytest.mark.parametrize(
    ("said", "became"),
    [
        ("+8613800138001", f"+86{MAPPED}"),
        ("8613800138001", f"86{MAPPED}"),
        ("008613800138001", f"0086{MAPPED}"),
        ("13800138001", MAPPED),
        ("<sip:%2B8613800138001@127.0.0.1:5060>;tag=1", f"<sip:%2B86{MAPPED}@127.0.0.1:5060>;tag=1"),
        ("tel:+86-138-0013-8001", f"tel:+86-{MAPPED[:3]}-{MAPPED[3:7]}-{MAPPED[7:]}"),
        ("a13800138001-from-13800138001", f"a{MAPPED}-from-{MAPPED}"),
        ("+8613800138001 200 OK", f"+86{MAPPED} 200 OK"),
        ("13800138001 200 OK", f"{MAPPED} 200 OK"),
        ("*33*13800138001#", f"*33*{MAPPED}#"),
    ],
)
def test_a_number_has_one_pseudonym_however_it_is_written(said: str, became: str) -> None:
    assert OURS.text(said) == became
    assert OURS.text(said).encode() == OURS.plain(said.encode())


def test_a_number_in_base64_is_found() -> None:
    passport = base64.urlsafe_b64encode(b'{"dest":{"tn":["8613800138001"]},"orig":{"tn":"6591234567"}}').rstrip(b"=")
    changed = OURS.plain(b"Identity: " + passport + b".c2ln")
    said = base64.urlsafe_b64decode(changed.removeprefix(b"Identity: ").removesuffix(b".c2ln") + b"==")
    assert f'"86{MAPPED}"'.encode() in said
    assert b"6591234567" not in said


def test_moments_short_numbers_and_what_json_counts_stay() -> None:
    for text in ("2026-11-29T06:18:13.731743Z", "20261129T061813Z-small", "110", "95588", "CSeq: 314159 INVITE"):
        assert OURS.text(text) == text
    assert OURS.json(b'{"at": 13800138001.5, "n": 13800138001, "to": "13800138001"}') == (
        b'{"at": 13800138001.5, "n": 13800138001, "to": "' + MAPPED.encode() + b'"}'
    )
    assert OURS.json(rb'"\nalice\u201313800138001"') == (
        b'"\\n' + OURS.plain(b"alice") + b"\\u2013" + MAPPED.encode() + b'"'
    )


def test_unknown_numbers_have_pseudonyms_where_they_are_surely_numbers() -> None:
    assert OURS.text("+442079460123") != "+442079460123"
    assert OURS.text("sip:02079460123@x") != "sip:02079460123@x"
    assert OURS.text("branch=z9hG4bK02079460123") == "branch=z9hG4bK02079460123"


def test_names_are_replaced_as_words_and_in_words_but_not_where_a_format_needs_them() -> None:
    alice, mary = OURS.text("alice"), OURS.text("mary-ann")
    assert len(alice) == 5
    assert len(mary) == 8
    assert OURS.text("alice-at-night, sip:alice@x, malice, call, bo, mary, call-mary-ann.wav") == (
        f"{alice}-at-night, sip:{alice}@x, malice, call, bo, mary, call-{mary}.wav"
    )


def test_names_of_any_script_and_with_signs_are_replaced_in_json_too() -> None:
    ours = Pseudonyms("a key of the lab", "86", [], ["王伟", "tom@home"])
    wang, tom = ours.text("王伟"), ours.text("tom@home")
    assert (len(wang), len(tom)) == (6, 8)
    assert ours.text("sip:王伟@x, tom@home") == f"sip:{wang}@x, {tom}"
    assert ours.json(b'"\\u738b\\u4f1f and tom@home"') == f'"{wang} and {tom}"'.encode()


def test_what_a_number_could_be_tried_against_is_blanked() -> None:
    assert OURS.text('Digest username="alice", response="0a1b2c", nc=1').endswith('response="000000", nc=1')


@given(st.integers(10**6, 10**11), st.sampled_from(["1", "65", "852"]))
def test_a_pseudonym_keeps_country_and_length_and_depends_on_the_key(number: int, code: str) -> None:
    mapped = OURS.number(code, str(number))
    assert len(mapped) == len(str(number))
    assert mapped[0] != "0"
    assert OURS.text(f"+{code}{number}") == (f"+{code}{mapped}" if len(f"{code}{number}") <= 15 else f"+{code}{number}")
    assert mapped == Pseudonyms("a key of the lab", "1", []).number(code, str(number))


def test_no_two_numbers_become_one_and_another_key_gives_others() -> None:
    numbers = [str(number) for number in range(1000, 10000)]
    assert len({OURS.number("65", number) for number in numbers}) == len(numbers)
    assert OTHER.text("+8613800138001") != OURS.text("+8613800138001")
    assert OTHER.fingerprint != OURS.fingerprint


def test_country_codes_are_told_by_their_zone() -> None:
    assert [split(number)[0] for number in ("13125550143", "74951234567", "447700900123", "85212345678")] == [
        "1",
        "7",
        "44",
        "852",
    ]

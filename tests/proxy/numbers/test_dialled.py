"""Numbers behind dialled texts: the one that a switch calls without its codes, and all that it could be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.numbers.dialled import Dialling
from proxy.numbers.numbering import Numbering

GB = Dialling(Numbering("GB"), ["GB", "GG", "IM", "JE"])
CN = Dialling(Numbering("CN"), ["CN"])
US = Dialling(Numbering("US"), ["US"])


@pytest.mark.parametrize("dialled", [
    "14107700900123", "#31#07700900123", "*31#+447700900123", "907700900123", "128007700900123",
    "sip:%2331%2307700900123@x", "9141" + "07700900123",
])  # fmt: skip
def test_the_number_behind_all_codes_is_read(dialled: str) -> None:
    behind = GB.behind(dialled)
    assert behind.number is not None
    assert (behind.number.e164, behind.abroad) == ("+447700900123", ())


@pytest.mark.parametrize(
    "dialled", ["07700900123", "+447700900123", "2001", "bob", "*#06#", "118118", "", "sip:127.0.0.1"]
)
def test_behind_a_plain_number_is_nothing(dialled: str) -> None:
    assert (GB.behind(dialled).number, GB.behind(dialled).abroad) == (None, ())


def test_every_number_abroad_is_told_once() -> None:
    behind = GB.behind("sip:+442079460101;npdi;rn=+33123456789;cic=+33-123@x;rn=+33123456789")
    assert [(number.e164, number.region) for number in behind.abroad] == [("+33123456789", "FR"), (None, "FR")]


@pytest.mark.parametrize(("dialled", "code"), [
    ("141999", "call"), ("#31#112", "call"), ("1470#31#999", "call"), ("9999", "line"), ("0112", "line"),
    ("9141999", "line"), ("118999", ""), ("*21*999", ""), ("**21*999#", ""), ("1999", ""),
    ("9990033123456789", ""), ("09990", ""),
])  # fmt: skip
def test_an_emergency_number_counts_behind_codes_that_every_switch_knows(dialled: str, code: str) -> None:
    assert GB.behind(dialled).emergency == code
    assert GB.is_emergency(dialled) == (code == "call")


@pytest.mark.parametrize(
    "uri", ["sip:999;rn=+33123456789@x", "sip:999@x;rn=+33123456789", "tel:999;npdi;rn=0033123456789"]
)
def test_an_emergency_number_that_is_routed_abroad_is_none(uri: str) -> None:
    assert not GB.is_emergency(uri)
    assert GB.is_emergency(uri.replace("33", "44"))


@pytest.mark.parametrize(("dialling", "dialled", "code"), [
    (GB, "14107700900123", "141"), (GB, "#31#07700900123", "#31#"), (GB, "147007700900123", ""),
    (US, "*673125550144", "*67"), (US, "*823125550144", ""), (CN, "*31*13800138002", "*31*"),
    (CN, "13800138002", ""), (GB, "1410", ""),
])  # fmt: skip
def test_a_code_that_withholds_the_number_is_told(dialling: Dialling, dialled: str, code: str) -> None:
    assert dialling.behind(dialled).withheld == code


def test_an_operator_names_more_codes_and_other_outside_lines() -> None:
    numbering = Numbering("US")
    ours = Dialling(numbering, ["US"], outside_lines=["7"], codes=["*88", "18xx"])
    assert not US.behind("7011442079460101").abroad
    for dialled in ("7011442079460101", "*88+442079460101", "1812011442079460101"):
        assert [number.e164 for number in ours.behind(dialled).abroad] == ["+442079460101"]
    assert US.behind("913125550144").is_home
    assert not ours.behind("913125550144").is_home


@given(
    st.lists(
        st.sampled_from(
            ["9", "0", "141", "1470", "#31#", "1280", "44", "00", "+", "07700900123", "999", "33123456789"]
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["{}", "sip:{}@x", "sip:{};rn=+33123456789@x", "tel:{}", "sip:{}"]),
)
def test_a_number_at_home_is_found_without_those_abroad(parts: list[str], uri: str) -> None:
    dialled = uri.format("".join(parts))
    whole, home = GB.behind(dialled), GB.home_behind(dialled)
    assert (home.number, home.is_home) == (whole.number, whole.is_home)


def test_no_text_takes_long_to_read() -> None:
    for text in ("**21*" + "11111*" * 600, "141" * 1300, "9" * 4000, "%25" * 1300, ";rn=+33" * 500, "#31#" * 1000):
        assert GB.behind(text).emergency == ""

"""Trunks by the addresses and ports that their messages come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy.trunks import SourceMatch, Trunk, TrunkTable

ABROAD = Trunk("international", "international", trust_identity=True)
HOME = Trunk("domestic", "domestic", trust_identity=True)
PHONES = Trunk("phones", "access", auth="digest")


def table(*rows: tuple[Trunk, str]) -> TrunkTable:
    return TrunkTable([(trunk, [SourceMatch.parse(text)]) for trunk, text in rows])


def test_a_source_belongs_to_the_first_trunk_whose_block_holds_it() -> None:
    trunks = table((ABROAD, "127.0.1.7"), (HOME, "127.0.1.0/24"), (PHONES, "127.0.0.0/8"))
    assert trunks.find("127.0.1.7", 5060) is ABROAD
    assert trunks.find("127.0.1.8", 5060) is HOME
    assert trunks.find("127.0.0.1", 5060) is PHONES


def test_an_unknown_source_has_no_trunk() -> None:
    assert table((ABROAD, "192.0.2.0/24")).find("198.51.100.1", 5060) is None


def test_trunks_on_one_address_are_told_apart_by_port() -> None:
    trunks = table((ABROAD, "127.0.0.1:5071"), (HOME, "127.0.0.1:5072"))
    assert [trunks.find("127.0.0.1", port) for port in (5071, 5072, 5073)] == [ABROAD, HOME, None]


@pytest.mark.parametrize(
    ("match", "inside", "outside"),
    [
        ("2001:db8::/32", "2001:db8::7", "2001:db9::7"),
        ("[2001:db8::7]", "2001:db8::7", "2001:db8::8"),
        ("fe80::/10", "fe80::1%eth0", "2001:db8::1"),
        ("192.0.2.0/24", "::ffff:192.0.2.9", "::ffff:192.0.3.9"),
    ],
)
def test_ipv6_sources_match_like_ipv4_ones(match: str, inside: str, outside: str) -> None:
    trunks = table((ABROAD, match))
    assert trunks.find(inside, 5060) is ABROAD
    assert trunks.find(outside, 5060) is None


def test_a_port_after_an_ipv6_block_counts() -> None:
    trunks = table((ABROAD, "[2001:db8::]/32:5060"))
    assert trunks.find("2001:db8::1", 5060) is ABROAD
    assert trunks.find("2001:db8::1", 5061) is None


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.0.0.1/24", "127.0.0.256", "127.0.0.1:0", "127.0.0.1:70000", "[::1"]
)
def test_a_match_that_is_no_address_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r'an address or a CIDR block without host bits, such as "192.0.2.7"'):
        SourceMatch.parse(text)


@given(address=st.ip_addresses(), port=st.integers(1, 65535))
def test_every_address_matches_itself_and_only_on_its_port(address: object, port: int) -> None:
    text = f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"
    trunks = table((ABROAD, text))
    # ::ffff:a.b.c.d is a.b.c.d seen through a dual-stack socket, so it never matches as IPv6
    expected = None if getattr(address, "ipv4_mapped", None) else ABROAD
    assert trunks.find(str(address), port) is expected
    assert trunks.find(str(address), port % 65535 + 1) is None


def test_the_cache_of_sources_is_bounded() -> None:
    trunks = table((PHONES, "10.0.0.0/8"))
    for port in range(1, 6000):
        trunks.find("10.0.0.1", port)
    assert trunks.find.cache_info().currsize <= 4096

"""Digest authentication: the RFC's own example, and what does not parse."""

from __future__ import annotations

import pytest

from proxy.sip.digest import digest_response, parse_digest
from proxy.sip.errors import BadRequest


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_comes_out_right(algorithm: str, expected: str) -> None:
    credentials = parse_digest(
        'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
        f'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth'
    )
    assert digest_response(credentials, "GET", "Circle of Life") == expected


@pytest.mark.parametrize("text", ["Digest realm", 'Digest realm="lab', "Basic abc=", 'Digest a="b" c="d"'])
def test_malformed_credentials_are_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_digest(text)

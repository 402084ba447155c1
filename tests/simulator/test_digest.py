"""Digest authentication: the RFC's own example, and both sides against each other."""

from __future__ import annotations

import pytest

from proxy.sip.errors import BadRequest
from simulator.agents.digest import Challenger, Verdict, answer_challenge, digest_response, parse_digest


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


@pytest.mark.parametrize("position", [0, 1], ids=["SHA-256", "MD5"])
def test_an_answered_challenge_is_right_for_the_password_and_wrong_for_another(position: int) -> None:
    server = Challenger("lab")
    challenge = server.challenges(50.0)[position]
    credentials = answer_challenge([challenge], "REGISTER", "sip:lab", "alice", "s3cret")
    assert credentials is not None
    assert server.judge(credentials, "REGISTER", "alice", "s3cret", 51.0) is Verdict.RIGHT
    assert server.judge(credentials, "REGISTER", "alice", "other", 51.0) is Verdict.WRONG
    assert server.judge(credentials, "INVITE", "alice", "s3cret", 51.0) is Verdict.WRONG
    assert server.judge(credentials, "REGISTER", "bob", "s3cret", 51.0) is Verdict.WRONG


def test_an_old_nonce_is_stale_and_a_forged_one_is_wrong() -> None:
    server, other = Challenger("lab"), Challenger("lab")
    credentials = answer_challenge(server.challenges(50.0), "REGISTER", "sip:lab", "alice", "s3cret")
    assert credentials is not None
    assert server.judge(credentials, "REGISTER", "alice", "s3cret", 400.0) is Verdict.STALE
    assert other.judge(credentials, "REGISTER", "alice", "s3cret", 51.0) is Verdict.WRONG


def test_the_first_challenge_that_is_understood_is_answered() -> None:
    challenges = [
        'Digest realm="lab", nonce="n1", algorithm=SHA-512-256, qop="auth"',
        'Digest realm="lab", nonce="n2", algorithm=SHA-256, qop="auth-int"',
        'Digest realm="lab", nonce="n3", qop="auth-int, auth", opaque="o,1"',
    ]
    answer = parse_digest(answer_challenge(challenges, "INVITE", "sip:x", "alice", "s3cret") or "")
    assert (answer["nonce"], answer["algorithm"], answer["opaque"]) == ("n3", "MD5", "o,1")
    assert answer_challenge(challenges[:2], "INVITE", "sip:x", "alice", "s3cret") is None


def test_a_server_without_qop_gets_the_older_response() -> None:
    answer = parse_digest(answer_challenge(['Digest realm="r", nonce="n"'], "INVITE", "sip:x", "a", "b") or "")
    assert "cnonce" not in answer
    assert answer["response"] == "1a6fe157864df70681cf2553c78fc334"  # md5(md5("a:r:b"):n:md5("INVITE:sip:x"))


@pytest.mark.parametrize("text", ["Digest realm", 'Digest realm="lab', "Basic abc=", 'Digest a="b" c="d"'])
def test_malformed_credentials_are_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_digest(text)

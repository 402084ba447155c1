"""Answers to digest challenges, and both sides against each other."""

from __future__ import annotations

import pytest

from proxy.sip.digest import Challenger, CredentialCheck, parse_digest
from simulator.agents.digest import answer_challenge


@pytest.mark.parametrize("position", [0, 1], ids=["SHA-256", "MD5"])
def test_an_answered_challenge_is_right_for_the_password_and_wrong_for_another(position: int) -> None:
    server = Challenger("lab")
    challenge = server.challenges(50.0)[position]
    credentials = answer_challenge([challenge], "REGISTER", "sip:lab", "alice", "s3cret")
    assert credentials is not None
    assert server.judge(parse_digest(credentials), "REGISTER", "alice", "s3cret", 51.0) is CredentialCheck.RIGHT
    assert server.judge(parse_digest(credentials), "REGISTER", "alice", "other", 51.0) is CredentialCheck.WRONG
    assert server.judge(parse_digest(credentials), "INVITE", "alice", "s3cret", 51.0) is CredentialCheck.WRONG
    assert server.judge(parse_digest(credentials), "REGISTER", "bob", "s3cret", 51.0) is CredentialCheck.WRONG


def test_a_nonce_too_old_or_of_another_server_is_stale_to_who_knows_the_password() -> None:
    server, other = Challenger("lab"), Challenger("lab")
    credentials = answer_challenge(server.challenges(50.0), "REGISTER", "sip:lab", "alice", "s3cret")
    assert credentials is not None
    assert server.judge(parse_digest(credentials), "REGISTER", "alice", "s3cret", 400.0) is CredentialCheck.STALE
    assert other.judge(parse_digest(credentials), "REGISTER", "alice", "s3cret", 51.0) is CredentialCheck.STALE
    assert server.judge(parse_digest(credentials), "REGISTER", "alice", "guess", 400.0) is CredentialCheck.WRONG


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

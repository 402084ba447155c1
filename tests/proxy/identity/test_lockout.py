"""Guessing passwords is slowed down, and keeps nobody else from calling; and what the config may say of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.config.models import load_config
from proxy.files.yaml_file import FileErrors
from proxy.identity.lockout import AttemptCounts, Lockout
from tests.plays.dialogue import PHONE
from tests.plays.digest_phone import ELSEWHERE, REALM, start, with_field

CONFIG = """\
listen: [udp:127.0.0.1:5060]
softswitch: udp:127.0.0.1:5080
trunks:
  phones: {match: [127.0.0.0/24], kind: access, auth: digest}
subscribers: s.yaml
"""


def test_who_guesses_is_locked_out_for_a_while_right_answers_included() -> None:
    on = start(failed_attempts=3, lockout_seconds=30.0).guesses(3)
    on.challenged("MESSAGE", call_id="asks")  # a challenge costs nothing
    right = on.answer_to("MESSAGE")
    on.asks("MESSAGE", right).sends(403, PHONE)
    assert on.last.header("retry-after") == "30"
    on.wait(30.1)
    on.forget_sent()
    on.asks("MESSAGE", right).goes_on("MESSAGE")


def test_an_unknown_user_is_locked_out_just_so() -> None:
    on = start(failed_attempts=3, lockout_seconds=30.0).guesses(3, user="nobody")
    on.challenged("MESSAGE")
    on.asks("MESSAGE", on.answer_to("MESSAGE", "nobody")).sends(403, PHONE)


def test_a_stranger_locks_out_neither_the_subscriber_elsewhere_nor_others_beside_them() -> None:
    on = start(failed_attempts=3).guesses(3, at=ELSEWHERE)
    on.challenged("MESSAGE", at=ELSEWHERE)
    alices, bobs = on.answer_to("MESSAGE"), on.answer_to("MESSAGE", "bob", "b0b")
    on.asks("MESSAGE", alices, at=ELSEWHERE).sends(403, ELSEWHERE)
    on.asks("MESSAGE", alices).goes_on("MESSAGE")
    on.asks("MESSAGE", bobs, at=ELSEWHERE, sender="<sip:bob@x>").goes_on("MESSAGE")


def test_another_port_of_the_same_address_is_no_way_round() -> None:
    other = PHONE._replace(port=6000)
    on = start(failed_attempts=3).guesses(3)
    on.challenged("MESSAGE")
    on.asks("MESSAGE", on.answer_to("MESSAGE"), at=other).sends(403, other)


def test_neither_stale_answers_nor_other_realms_are_guesses() -> None:
    on = start(failed_attempts=2).challenged("MESSAGE")
    right = on.answer_to("MESSAGE")
    on.asks("MESSAGE", right).goes_on("MESSAGE")
    for _ in range(4):
        on.challenged("MESSAGE", right)
        on.challenged("MESSAGE", right.replace(REALM, "other.example"))
    on.asks("MESSAGE", with_field(right, "nc", "00000002")).goes_on("MESSAGE")


def test_wrong_answers_that_lie_far_apart_are_mistakes_and_not_guesses() -> None:
    lockout, alice = Lockout(3, 60.0), ("alice", "127.0.0.77")
    for now in (0.0, 50.0, 61.0, 110.0):
        lockout.note(*alice, now)
        assert not lockout.locked_for(*alice, now)
    lockout.note(*alice, 120.0)
    assert lockout.locked_for(*alice, 130.0) == 50.0
    assert not lockout.locked_for(*alice, 180.0)


def test_the_memory_for_guesses_is_bounded_and_the_oldest_are_forgotten_first() -> None:
    lockout = Lockout(1, 60.0, AttemptCounts(most=2))
    for user in ("1", "2", "1", "3"):
        lockout.note(user, "127.0.0.77", 0.0)
    assert [bool(lockout.locked_for(user, "127.0.0.77", 1.0)) for user in ("1", "2", "3")] == [True, False, True]


# --- the config


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("authentication: {realm: 'not a name'}", '6:25: found "not a name", expected'),
        ("authentication: {nonce_seconds: 0}", '6:33: found "0", expected'),
        ("authentication: {nonce_seconds: soon}", '6:33: found "soon", expected'),
        ("authentication: {wrong_answers: 0}", '6:33: found "0", expected'),
        ("authentication: {lockout_seconds: 0}", '6:35: found "0", expected'),
        ("authentication: {relam: x}", '6:18: found unknown key "relam", expected'),
        ("authentication: {algorithms: [SHA-1]}", '6:31: found "SHA-1", expected "SHA-256" or "MD5"'),
        ("authentication: {algorithms: []}", "6:30: found a list, expected at least one"),
        ("authentication: digest", '6:17: found "digest", expected'),
    ],
)
def test_what_is_wrong_with_authentication_is_pointed_at(tmp_path: Path, lines: str, complaint: str) -> None:
    [line] = _complaints(tmp_path, CONFIG + lines)
    assert line.startswith(complaint)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("access", "domestic"), "4:57"),
        (("digest}", "digest, trust_identity: on}"), "4:55"),
        (("subscribers: s.yaml", ""), "4:55"),
    ],
)
def test_digest_takes_an_access_trunk_that_is_not_trusted_and_subscribers(
    tmp_path: Path, change: tuple[str, str], place: str
) -> None:
    expected = "expected none; digest takes kind: access, subscribers and no trust_identity"
    assert _complaints(tmp_path, CONFIG.replace(*change)) == [f'{place}: found "digest", {expected}']


def _complaints(folder: Path, config: str) -> list[str]:
    (folder / "s.yaml").write_text("subscribers: []\n")
    path = folder / "proxy.yaml"
    path.write_text(config)
    with pytest.raises(FileErrors) as wrong:
        load_config(path)
    return [line.removeprefix(f"{path}:") for line in str(wrong.value).splitlines()]

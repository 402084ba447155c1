"""REGISTER where phones must prove who they are: the registrar's challenge, and what the proxy makes of the answer."""

from __future__ import annotations

import tracemalloc

import pytest

from proxy.identity.nonces import NonceCounts
from proxy.sip.digest import Challenger, CredentialCheck, is_right, parse_digest
from proxy.sip.flow import Flow
from proxy.sip.headers import quote
from proxy.sip.message import Response
from simulator.agents.digest import answer_challenge
from tests.plays.dialogue import PHONE, SWITCH
from tests.plays.digest_phone import ALICE, BOB, ELSEWHERE, PASSWORD, DigestPhone, start, with_field

URI = "sip:switch.example"
SECRET = b"0123456789abcdef"
HOME, AWAY = "<sip:alice@127.0.0.77:5071>", "<sip:alice@127.0.0.88:5077>"


class Registering:
    """A phone, and the registrar behind the proxy, which asks whom it does not know."""

    def __init__(self, *, secret: bytes | None = None, **settings: object) -> None:
        self.on: DigestPhone = start(secret=secret, **settings)
        self.registrar = Challenger("switch.example")
        self.challenges: list[str] = []  # as the phone got them

    def asks(self, *given: str, to: str = "alice", contact: str = HOME, at: Flow = PHONE) -> Registering:
        more = [("Authorization", each) for each in given]
        more += [("Contact", contact), ("Expires", "3600")]
        self.on.forget_sent()
        self.on.asks("REGISTER", to=to, at=at, more=tuple(more))
        return self

    def is_registered(self, contact: str = HOME) -> Registering:
        """It goes on with its Contact, and the registrar is content."""
        self.on.sends("REGISTER", SWITCH)
        assert self.on.forwarded.headers("contact") == [contact]
        assert self.on.forwarded.headers("expires") == ["3600"]
        self.on.answer(200, headers=[("Contact", f"{contact};expires=3600")]).sends(200)
        return self

    def is_challenged(self, challenges: list[str] | None = None) -> Registering:
        """It goes on as a question, and the registrar asks who it is."""
        self.on.sends("REGISTER", SWITCH)
        for name in ("contact", "expires", "authorization"):
            assert self.on.forwarded.headers(name) == []
        asked = challenges or self.registrar.challenges(self.on.now)
        self.on.answer(401, headers=[("WWW-Authenticate", each) for each in asked]).sends(401)
        self.challenges = self.on.last.headers("www-authenticate")
        return self

    def proves_to_be(self, user: str) -> None:
        """The registrar finds the answer right, for the nonce that it gave."""
        [sent] = self.on.forwarded.headers("authorization")
        judged = self.registrar.judge(parse_digest(sent), "REGISTER", user, PASSWORD, self.on.now)
        assert judged is CredentialCheck.RIGHT

    def answer(self, user: str = "alice", password: str = PASSWORD, algorithm: int = 0) -> str:
        return answer_challenge(self.challenges[algorithm:], "REGISTER", URI, user, password) or ""

    @property
    def stale(self) -> bool:
        [stale] = {parse_digest(each).get("stale") == "true" for each in self.challenges}
        return stale


def counted(answer: str, count: str, password: str = PASSWORD) -> str:
    return with_field(answer, "nc", count, password, "REGISTER")


@pytest.mark.parametrize("algorithm", [0, 1], ids=["SHA-256", "MD5"])
def test_a_phone_answers_the_registrars_challenge_and_is_registered(algorithm: int) -> None:
    phone = Registering()
    asked = phone.registrar.challenges(phone.on.now)
    phone.asks().is_challenged(asked)
    assert [{**parse_digest(each), "nonce": ""} for each in phone.challenges] == [
        {**parse_digest(each), "nonce": ""} for each in asked
    ]
    phone.asks(phone.answer(algorithm=algorithm)).is_registered()
    phone.proves_to_be("alice")
    assert "path" in phone.on.forwarded.names
    assert "p-asserted-identity" not in phone.on.forwarded.names


def test_an_answer_counts_once_and_binds_nobody_elses_contact() -> None:
    phone = Registering()
    overheard = phone.asks().is_challenged().answer()
    phone.asks(overheard).is_registered()
    for at in (ELSEWHERE, PHONE):
        assert phone.asks(overheard, contact=AWAY, at=at).is_challenged().stale
    phone.asks(phone.answer()).is_registered()


def test_an_answer_sent_again_for_want_of_a_response_is_no_replay() -> None:
    phone = Registering()
    phone.asks().is_challenged()
    phone.asks(phone.answer()).is_registered()
    phone.on.cseq -= 1
    phone.asks(phone.answer())
    phone.on.sends(200, PHONE).sends_nothing()


@pytest.mark.parametrize(("first", "second", "passes"), [
    ("00000001", "00000001", False),
    ("00000005", "00000004", False),
    ("0000000a", "0000000A", False),
    ("00000001", "00000002", True),
    ("0000000F", "00000010", True),
])  # fmt: skip
def test_a_refresh_may_use_the_nonce_again_with_a_growing_count(first: str, second: str, passes: bool) -> None:
    phone = Registering()
    answer = phone.asks().is_challenged().answer()
    phone.asks(counted(answer, first)).is_registered()
    phone.asks(counted(answer, second))
    if passes:
        phone.is_registered()
    else:
        assert phone.is_challenged().stale


def test_a_nonce_is_good_for_as_long_as_the_config_says() -> None:
    phone = Registering(nonce_seconds=60.0)
    answer = phone.asks().is_challenged().answer()
    phone.on.wait(59.9)
    phone.asks(answer).is_registered()
    phone.on.wait(0.2)
    assert phone.asks(counted(answer, "00000002")).is_challenged().stale
    assert not phone.asks(phone.answer(password="guess")).is_challenged().stale


def test_a_nonce_that_never_passed_here_is_stale() -> None:
    answer = Registering().asks().is_challenged().answer()
    assert Registering().asks(answer).is_challenged().stale


def test_a_registrar_may_give_a_nonce_again_and_no_answer_to_it_counts_twice() -> None:
    phone = Registering(nonce_seconds=60.0)
    asked = phone.registrar.challenges(0.0)  # a registrar that gives the same for an hour
    overheard = phone.asks().is_challenged(asked).answer()
    phone.asks(overheard).is_registered()
    phone.on.wait(600.0)
    assert phone.asks(overheard).is_challenged(asked).stale
    assert phone.asks(overheard).is_challenged(asked).stale
    assert phone.asks(counted(overheard, "00000002")).is_challenged(asked).stale
    phone.asks(phone.answer()).is_registered()
    assert phone.asks(overheard).is_challenged(asked).stale


def test_all_who_get_the_same_nonce_at_the_same_moment_may_use_it() -> None:
    phone = Registering()
    phone.asks().is_challenged()
    for answer in (phone.answer(), phone.answer()):  # two phones of hers, with client nonces of their own
        phone.asks(answer).is_registered()
    phone.asks(phone.answer("bob", "b0b"), to="bob").is_registered()


def test_without_qop_a_nonce_may_be_used_once() -> None:
    phone = Registering()
    old = ['Digest realm="switch.example", nonce="n1"']
    answer = phone.asks().is_challenged(old).answer()
    assert "qop" not in answer
    phone.asks(answer).is_registered()
    assert phone.asks(answer).is_challenged().stale
    for added in (', cnonce="x"', ", cnonce=y, nc=00000002"):
        phone.asks(answer + added, contact=AWAY).is_challenged()


def test_a_challenge_that_says_it_is_not_stale_is_put_right() -> None:
    phone = Registering()
    answer = phone.asks().is_challenged().answer()
    phone.asks(answer).is_registered()
    asked = ['Digest realm="switch.example", nonce="n2", stale=false, qop="auth"', "Bearer scope=x"]
    phone.asks(answer).is_challenged(asked)
    [challenge, other] = phone.challenges
    assert challenge.replace(parse_digest(challenge)["nonce"], "n2") == (
        'Digest realm="switch.example", nonce="n2", qop="auth", stale=true'
    )
    assert other == "Bearer scope=x"


# --- guesses


@pytest.mark.parametrize(
    ("user", "password"), [("alice", "guess"), ("nobody", "s3cret"), ("", "s3cret"), ("carol", "")]
)
def test_a_wrong_answer_is_asked_for_again_and_never_reaches_the_registrar(user: str, password: str) -> None:
    phone = Registering()
    phone.asks().is_challenged()
    assert not phone.asks(phone.answer(user, password)).is_challenged().stale


def test_who_guesses_is_locked_out_of_registering_and_calling_alike_and_nobody_else_is() -> None:
    phone = Registering(failed_attempts=4, lockout_seconds=30.0)
    phone.on.guesses(2)
    phone.asks().is_challenged()
    for _ in range(2):
        phone.asks(phone.answer(password="guess")).is_challenged()
    phone.asks(phone.answer()).on.sends(403, PHONE)
    assert phone.on.last.header("retry-after") == "30"
    phone.on.challenged("MESSAGE").asks("MESSAGE", phone.on.answer_to("MESSAGE")).sends(403, PHONE)
    phone.asks(at=ELSEWHERE).is_challenged()
    phone.asks(phone.answer(), at=ELSEWHERE).is_registered()
    phone.on.wait(30.1)
    phone.asks().is_challenged()
    phone.asks(phone.answer()).is_registered()


def test_replays_are_no_guesses() -> None:
    phone = Registering(failed_attempts=2)
    answer = phone.asks().is_challenged().answer()
    phone.asks(answer).is_registered()
    for _ in range(4):
        phone.asks(answer).is_challenged()
    phone.asks(phone.answer()).is_registered()


# --- whose address-of-record


@pytest.mark.parametrize("to", ["alice", "%61lice", ALICE, ALICE[1:], ALICE[3:], f"0086{ALICE[3:]}"])
def test_ones_own_address_of_record_is_the_user_or_the_number_however_it_is_written(to: str) -> None:
    phone = Registering()
    phone.asks().is_challenged()
    phone.asks(phone.answer(), to=to).is_registered()


@pytest.mark.parametrize("to", ["bob", BOB, "ALICE", "alice2", "anonymous", "95588", "+23224555000"])
def test_nobody_registers_the_address_of_somebody_else(to: str) -> None:
    phone = Registering()
    phone.asks(to=to).is_challenged()
    phone.asks(phone.answer(), to=to).on.sends(403, PHONE).sends_nothing()


# --- what the registrar gets, and what it answers


def test_only_the_answer_that_was_checked_goes_on() -> None:
    phone = Registering()
    phone.asks().is_challenged()
    bobs, guess, hers = phone.answer("bob", "b0b"), phone.answer(password="guess"), phone.answer()
    phone.asks(guess, hers, bobs, "Bearer token").is_registered()
    phone.proves_to_be("alice")


def test_a_registrar_that_asks_nobody_has_the_proxy_ask() -> None:
    phone = Registering()
    phone.asks().on.sends("REGISTER", SWITCH)
    phone.on.answer(200, headers=[("Contact", "<sip:bob@127.0.0.9>"), ("P-Associated-URI", f"<sip:{BOB}@x>")])
    phone.on.sends(401, PHONE)
    shown = phone.on.last
    assert isinstance(shown, Response)
    assert (shown.reason, shown.names.count("via"), shown.header("contact")) == ("Unauthorized", 1, None)
    assert "p-associated-uri" not in shown.names
    phone.challenges = shown.headers("www-authenticate")
    assert [parse_digest(each)["algorithm"] for each in phone.challenges] == ["SHA-256", "MD5"]
    answer = phone.answer()
    phone.asks(answer).is_registered()
    assert phone.on.forwarded.headers("authorization") == []
    phone.asks(answer).on.sends("REGISTER", SWITCH)
    phone.on.answer(200).sends(401)
    phone.challenges = phone.on.last.headers("www-authenticate")
    assert phone.stale


@pytest.mark.parametrize("status", [403, 404, 423, 500])
def test_what_else_the_registrar_says_is_passed_on(status: int) -> None:
    phone = Registering().asks()
    phone.on.sends("REGISTER", SWITCH)
    phone.on.answer(status).sends(status, PHONE)


def test_a_dialog_is_no_way_round() -> None:
    phone = Registering()
    phone.on.challenged().asks("INVITE", phone.on.answer_to()).goes_on()
    route = ("Route", phone.on.forwarded.headers("record-route")[0])
    phone.on.answer(200).sends(200)
    phone.on.asks("REGISTER", to="alice", to_tag="callee", more=(route, ("Contact", AWAY)))
    phone.is_challenged()


@pytest.mark.parametrize("broken", ['Digest realm="', 'Digest realm="a", realm="b"'])
def test_what_does_not_parse_is_a_bad_request(broken: str) -> None:
    Registering().asks(broken).on.sends(400, PHONE)


@pytest.mark.parametrize("count", ["", "1", "0x000001", "000000001"])
def test_a_count_that_is_no_eight_hexadecimal_digits_is_a_bad_request(count: str) -> None:
    phone = Registering()
    phone.asks().is_challenged()
    phone.asks(counted(phone.answer(), count)).on.sends(400, PHONE)


@pytest.mark.parametrize("algorithm", ["MD5-sess", "SHA-512-256", ""])
def test_an_answer_by_an_algorithm_that_we_cannot_check_is_none(algorithm: str) -> None:
    phone = Registering()
    phone.asks().is_challenged()
    phone.asks(phone.answer().replace("algorithm=SHA-256", f'algorithm="{algorithm}"')).is_challenged()


# --- memory


def test_the_memory_for_answers_is_bounded_and_forgetting_lets_no_replay_through() -> None:
    counts = NonceCounts(60.0, most=2)
    assert [counts.use(nonce, "alice", 1, issued, 4.0) for nonce, issued in (("a", 1.0), ("b", 2.0), ("c", 3.0))] == [
        True
    ] * 3
    assert not any(counts.use(nonce, who, 1, 1.0, 4.0) for nonce in "abc" for who in ("alice", "bob"))
    assert counts.use("d", "alice", 1, 4.0, 4.0)


def test_long_nonces_of_a_registrar_fill_no_memory() -> None:
    counts = NonceCounts(60.0)
    tracemalloc.start()
    for count in range(100):
        assert counts.use(f"{count}" + "n" * 50_000, "alice", 1, 0.0, 0.0)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 1_000_000


# --- after a restart


@pytest.mark.parametrize("secret", [SECRET, None], ids=["its secret kept", "a new secret"])
@pytest.mark.parametrize("asked", [
    ['Digest realm="switch.example", nonce="n1", qop="auth"'],
    ['Digest realm="switch.example", nonce="n1"'],
    ['Digest realm="switch.example", nonce="n1", algorithm=SHA-256, opaque="o", qop="auth,auth-int"'],
], ids=["MD5", "without qop", "SHA-256"])  # fmt: skip
def test_what_was_overheard_before_a_restart_is_no_answer_after_it(secret: bytes | None, asked: list[str]) -> None:
    """The registrar's nonces may repeat."""
    before = Registering(secret=SECRET)
    overheard = before.asks().is_challenged(asked).answer()
    before.asks(overheard).is_registered()
    after = Registering(secret=secret)
    for _ in range(3):
        assert after.asks(overheard, contact=AWAY, at=ELSEWHERE).is_challenged(asked).stale
    after.asks(after.answer()).is_registered()
    for _ in range(3):
        after.asks(overheard, contact=AWAY, at=ELSEWHERE).is_challenged(asked)


def test_no_process_takes_an_answer_that_another_one_asked_for() -> None:
    """They share a secret, but not what was used."""
    first, second = Registering(secret=SECRET), Registering(secret=SECRET)
    answer = first.asks().is_challenged().answer()
    assert second.asks(answer).is_challenged().stale
    first.asks(answer).is_registered()


def test_the_registrars_own_nonce_is_no_use_to_anybody() -> None:
    phone = Registering()
    asked = phone.registrar.challenges(0.0)
    phone.asks().is_challenged(asked)
    phone.challenges = asked
    assert phone.asks(phone.answer(), contact=AWAY).is_challenged(asked).stale


@pytest.mark.parametrize("change", ["n2", "", "n1.1"])
def test_another_nonce_in_the_wrapping_is_not_ours(change: str) -> None:
    phone = Registering()
    asked = ['Digest realm="switch.example", nonce="n1", qop="auth"']
    answer = phone.asks().is_challenged(asked).answer()
    given = parse_digest(answer)["nonce"]
    assert given.startswith("n1.")
    changed = with_field(answer, "nonce", given.replace("n1", change, 1), PASSWORD, "REGISTER")
    assert phone.asks(changed).is_challenged(asked).stale


def test_a_nonce_of_strange_characters_comes_back_as_it_was() -> None:
    nonce = 'a.b-c="\\\\",+/' + "x" * 200
    phone = Registering()
    phone.asks().is_challenged([f'Digest realm="switch.example", nonce={quote(nonce)}, qop="auth"'])
    phone.asks(phone.answer()).on.sends("REGISTER", SWITCH)
    [sent] = phone.on.forwarded.headers("authorization")
    assert parse_digest(sent)["nonce"] == nonce
    assert is_right(parse_digest(sent), "REGISTER", PASSWORD)


def test_what_the_registrar_says_of_its_own_nonce_does_not_reach_the_phone() -> None:
    phone = Registering()
    phone.asks().is_challenged()
    phone.asks(phone.answer()).on.sends("REGISTER", SWITCH)
    phone.on.answer(200, headers=[("Authentication-Info", 'nextnonce="n2", rspauth="0"')]).sends(200)
    assert "authentication-info" not in phone.on.last.names

"""Digest authentication at the proxy: challenges, answers, nonces, and what is never asked for credentials."""

from __future__ import annotations

import time

import pytest

from proxy.identity.authentication import Authenticator, ProxyAuthenticationRequired
from proxy.identity.nonces import NonceCounts
from proxy.sip.digest import parse_digest
from proxy.sip.message import Request, Response
from simulator.agents.digest import answer_challenge
from tests.plays.dialogue import PHONE, SWITCH, request
from tests.plays.digest_phone import ABROAD, ALICE, BOB, ELSEWHERE, REALM, SUBSCRIBERS, DigestPhone, start, with_field

# --- challenges and answers


def test_both_algorithms_are_offered_the_strongest_first_with_one_nonce() -> None:
    sha, md5 = (parse_digest(value) for value in start().challenged().last.headers("proxy-authenticate"))
    assert (sha["algorithm"], md5["algorithm"]) == ("SHA-256", "MD5")
    assert sha["nonce"] == md5["nonce"]
    assert {sha["realm"], md5["realm"]} == {REALM}
    assert {sha["qop"], md5["qop"]} == {"auth"}


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "SUBSCRIBE", "BYE"])
def test_a_request_without_credentials_is_challenged_and_one_with_them_passes(method: str) -> None:
    on = start().challenged(method)
    on.asks(method, on.answer_to(method)).goes_on(method)
    assert on.forwarded.headers("proxy-authorization") == []
    assert on.forwarded.headers("p-asserted-identity") == [f"<sip:{ALICE}@{REALM};user=phone>"]


@pytest.mark.parametrize("algorithm", [0, 1], ids=["SHA-256", "MD5"])
def test_either_algorithm_is_accepted(algorithm: int) -> None:
    on = start().challenged()
    challenge = on.last.headers("proxy-authenticate")[algorithm : algorithm + 1]
    given = answer_challenge(challenge, "INVITE", f"sip:{BOB}@127.0.0.1", "alice", "s3cret") or ""
    on.asks("INVITE", given).goes_on()


def test_an_algorithm_that_is_not_offered_is_not_taken() -> None:
    on = start(digest_algorithms=("SHA-256",)).challenged("MESSAGE")
    [challenge] = on.last.headers("proxy-authenticate")
    weaker = challenge.replace("SHA-256", "MD5")
    given = answer_challenge([weaker], "MESSAGE", f"sip:{BOB}@127.0.0.1", "alice", "s3cret") or ""
    assert not on.challenged("MESSAGE", given).stale


def test_no_nonce_is_given_twice() -> None:
    on = start()
    nonces = {on.challenged().answer_to().partition('nonce="')[2].partition('"')[0] for _ in range(20)}
    assert len(nonces) == 20


@pytest.mark.parametrize(
    ("user", "password"),
    [("alice", "guess"), ("nobody", "s3cret"), ("", "s3cret"), ("carol", ""), ("x" * 5000, "s3cret")],
)
def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(user: str, password: str) -> None:
    on = start().challenged("MESSAGE")
    shown = on.challenged("MESSAGE", on.answer_to("MESSAGE", user, password)).last
    assert isinstance(shown, Response)
    assert shown.reason == "Proxy Authentication Required"
    assert [parse_digest(each).keys() for each in shown.headers("proxy-authenticate")] == [
        {"realm", "nonce", "algorithm", "qop"}
    ] * 2


# --- nonces


def test_a_nonce_that_expired_is_stale_to_who_knows_the_password_and_to_nobody_else() -> None:
    on = start(nonce_seconds=60.0).challenged("MESSAGE")
    right, wrong = on.answer_to("MESSAGE"), on.answer_to("MESSAGE", "alice", "guess")
    on.wait(59.9)
    on.forget_sent()
    on.asks("MESSAGE", right).goes_on("MESSAGE")
    on.wait(0.2)
    on.forget_sent()
    assert on.challenged("MESSAGE", with_field(right, "nc", "00000002")).stale
    assert not on.challenged("MESSAGE", wrong).stale


@pytest.mark.parametrize(("first", "second", "passes"), [
    ("00000001", "00000001", False),
    ("00000005", "00000004", False),
    ("00000005", "00000006", True),
    ("00000001", "0000000f", True),
    ("0000000F", "00000010", True),
])  # fmt: skip
def test_a_nonce_may_be_used_again_with_a_growing_count_only(first: str, second: str, passes: bool) -> None:
    on = start().challenged("MESSAGE")
    given = on.answer_to("MESSAGE")
    on.asks("MESSAGE", with_field(given, "nc", first)).goes_on("MESSAGE")
    if passes:
        on.asks("MESSAGE", with_field(given, "nc", second), call_id="call-2").goes_on("MESSAGE")
    else:
        assert on.challenged("MESSAGE", with_field(given, "nc", second), call_id="call-2").stale


@pytest.mark.parametrize("count", ["", "1", "-0000001", "0x000001", "0000_001", "000000001", "０００００００１"])
def test_a_count_that_is_no_eight_hexadecimal_digits_is_a_bad_request(count: str) -> None:
    on = start().challenged("MESSAGE")
    on.asks("MESSAGE", with_field(on.answer_to("MESSAGE"), "nc", count)).sends(400, PHONE)


def test_a_nonce_is_bound_to_no_address_call_or_method() -> None:
    on = start().challenged("INVITE", call_id="one")
    on.asks("MESSAGE", on.answer_to("MESSAGE"), call_id="two", at=ELSEWHERE).goes_on("MESSAGE")


def test_nobody_uses_up_a_nonce_for_somebody_else() -> None:
    on = start().challenged("MESSAGE")
    alices, bobs = on.answer_to("MESSAGE"), on.answer_to("MESSAGE", "bob", "b0b")
    spent = with_field(bobs, "nc", "ffffffff", "b0b")
    on.asks("MESSAGE", spent, sender=f"<sip:{BOB}@x>", to=BOB, at=ELSEWHERE).goes_on("MESSAGE")
    on.asks("MESSAGE", alices).goes_on("MESSAGE")


def test_a_nonce_of_another_process_is_stale() -> None:
    given = start().challenged("MESSAGE").answer_to("MESSAGE")
    assert start().challenged("MESSAGE", given).stale


@pytest.mark.parametrize("nonce", ["", "-", "1", "1000000-00-", "zzz-00-00", "é"])
def test_a_made_up_nonce_is_stale(nonce: str) -> None:
    on = start().challenged("MESSAGE")
    assert on.challenged("MESSAGE", with_field(on.answer_to("MESSAGE"), "nonce", nonce)).stale


def test_the_memory_for_nonces_is_bounded_and_forgetting_lets_no_replay_through() -> None:
    authenticator = Authenticator(REALM, 60.0, counts=NonceCounts(60.0, most=2))
    given = [_answer(authenticator, now) for now in (0.0, 1.0, 2.0, 3.0)]
    for credentials in given:
        assert (
            authenticator.authenticate(_message(credentials), lambda _: SUBSCRIBERS[0], 4.0, "127.0.0.77")
            is SUBSCRIBERS[0]
        )
    for credentials in given:
        with pytest.raises(ProxyAuthenticationRequired) as asked:
            authenticator.authenticate(_message(credentials), lambda _: SUBSCRIBERS[0], 4.0, "127.0.0.77")
        assert "stale=true" in asked.value.headers[0][1]


def _message(credentials: str) -> Request:
    headers = [("Proxy-Authorization", credentials)] if credentials else []
    return Request.build("MESSAGE", "sip:x@y", headers)


def _answer(authenticator: Authenticator, now: float) -> str:
    with pytest.raises(ProxyAuthenticationRequired) as asked:
        authenticator.authenticate(_message(""), lambda _: None, now, "127.0.0.77")
    return answer_challenge([value for _, value in asked.value.headers], "MESSAGE", "sip:x@y", "alice", "s3cret") or ""


# --- what credentials must hold


def test_credentials_for_another_uri_are_a_bad_request_and_their_nonce_is_not_spent() -> None:
    on = start().challenged("MESSAGE")
    given = on.answer_to("MESSAGE")
    on.asks("MESSAGE", with_field(given, "uri", f"sip:{ABROAD}@127.0.0.1")).sends(400, PHONE)
    on.asks("MESSAGE", given).goes_on("MESSAGE")


def test_a_uri_that_only_looks_different_will_do() -> None:
    on = start().challenged("MESSAGE")
    spelt = f"SIP:%2b{BOB[1:]}@127.0.0.1"
    on.asks("MESSAGE", with_field(on.answer_to("MESSAGE"), "uri", spelt)).goes_on("MESSAGE")


@pytest.mark.parametrize(("name", "value"), [
    ("qop", None),
    ("qop", "auth-int"),
    ("algorithm", "MD5-sess"),
    ("algorithm", "SHA-512-256"),
    ("response", ""),
    ("response", "é"),
    ("response", None),
])  # fmt: skip
def test_answers_that_could_not_be_told_from_replays_or_guesses_are_asked_for_again(
    name: str, value: str | None
) -> None:
    on = start().challenged("MESSAGE")
    given = on.answer_to("MESSAGE")
    if name == "algorithm":
        given = given.replace("algorithm=SHA-256", f"algorithm={value}")
    else:
        given = with_field(given, name, value)
    assert not on.challenged("MESSAGE", given).stale


@pytest.mark.parametrize(
    "broken", ['Digest realm="', 'Digest realm="a" nonce', 'Digest realm="a", realm="b"', "Digest ="]
)
def test_what_does_not_parse_is_a_bad_request(broken: str) -> None:
    start().asks("MESSAGE", broken).sends(400, PHONE)


# --- whose credentials


@pytest.mark.parametrize("scheme", ["Digest ", "digest\t", "DIGEST  ", "Digest{fold} "])
def test_credentials_for_other_proxies_pass_and_our_own_do_not(scheme: str) -> None:
    on = start().challenged("MESSAGE")
    ours = on.answer_to("MESSAGE").replace("Digest ", scheme, 1)
    others = ['Digest username="a", realm="other.example", response="0"', "Basic YWxpY2U6cw=="]
    on.asks("MESSAGE", [others[0], ours, others[1]]).goes_on("MESSAGE")
    assert on.forwarded.headers("proxy-authorization") == others


def test_credentials_for_another_realm_prove_nothing_here() -> None:
    on = start().challenged("MESSAGE")
    on.challenged("MESSAGE", with_field(on.answer_to("MESSAGE"), "realm", "other.example"))


def test_right_credentials_behind_a_few_wrong_ones_count_and_behind_many_do_not() -> None:
    on = start().challenged("MESSAGE")
    wrong, right = on.answer_to("MESSAGE", "nobody"), on.answer_to("MESSAGE")
    on.asks("MESSAGE", [wrong, right]).goes_on("MESSAGE")
    on.challenged("MESSAGE", [wrong] * 4 + [with_field(right, "nc", "00000002")])


def test_heaps_of_credentials_cost_next_to_nothing() -> None:
    on = start()
    began = time.process_time()
    on.asks("MESSAGE", [f'Digest realm="{REALM}", username="{"u" * 200}{i}"' for i in range(200)]).sends(407)
    on.asks("MESSAGE", "Digest " + ", ".join(f'a{i}="' + "\\\\" * 20 + '"' for i in range(1000))).sends(407)
    on.asks("MESSAGE", "Digest " + 'a="' * 15000).sends(400)
    on.asks("MESSAGE", "Digest " + "a" * 30000 + " " * 30000).sends(400)
    assert time.process_time() - began < 5  # it takes some hundredths of a second


# --- what is not asked


def answered_call() -> DigestPhone:
    on = start().challenged()
    on.asks("INVITE", on.answer_to(), more=(("Contact", "<sip:alice@127.0.0.77:5071>"),)).goes_on()
    on.answer(200, headers=[("Contact", "<sip:bob@127.0.0.9>")]).sends(200, PHONE)
    return on


def test_requests_in_a_dialog_are_vouched_for_by_our_token_where_it_was_made_and_nowhere_else() -> None:
    on = answered_call()
    route = ("Route", on.forwarded.headers("record-route")[0])
    for method in ("ACK", "INFO", "INVITE", "BYE"):
        on.asks(method, to_tag="callee", more=(route,))
        on.goes_on(method)
        assert "p-asserted-identity" not in on.forwarded.names
    for method in ("INFO", "INVITE", "BYE"):
        on.asks(method, to_tag="callee", more=(route,), at=ELSEWHERE).sends(407, ELSEWHERE)
        on.asks(method, to_tag="callee").sends(407, PHONE)
        on.asks(method, to_tag="callee", more=(route,), call_id="another").sends(407, PHONE)
    on.asks("MESSAGE", to_tag="callee", more=(route,)).sends(407, PHONE)


def test_texts_are_judged_each_time_dialog_or_not() -> None:
    on = answered_call()
    route = ("Route", on.forwarded.headers("record-route")[0])
    on.asks("MESSAGE", to_tag="callee", more=(route,)).sends(407, PHONE)
    given = on.answer_to("MESSAGE")
    on.asks("MESSAGE", given, sender=f"<sip:{BOB}@x>", to_tag="callee", more=(route,)).sends(403, PHONE)
    assert [record["rule"] for record in on.records()] == ["default.allow", "spoofed.subscriber_number"]


def test_ack_and_cancel_are_never_challenged() -> None:
    on = start().challenged()
    ack = request("ACK", PHONE, to=BOB, cseq=1, branch="z9hG4bK-INVITE1", to_tag=on.last.to.tag or "")
    on.receive(ack, PHONE).sends_nothing()
    on.asks("INVITE", on.answer_to()).goes_on()
    on.answer(180).sends(180, PHONE)
    on.receive(request("CANCEL", PHONE, to=BOB, cseq=2, branch="z9hG4bK-INVITE2"), PHONE)
    on.sends(200, PHONE).sends("CANCEL", SWITCH)


@pytest.mark.parametrize("given", ["none", "wrong", "broken", "locked out"])
def test_an_emergency_call_is_never_held_up_and_asserts_nobody_who_did_not_prove_it(given: str) -> None:
    on = start()
    if given == "locked out":
        on.guesses(5)
    on.challenged()
    right, wrong = on.answer_to(to="110"), on.answer_to(password="guess", to="110")
    credentials = {"none": "", "wrong": wrong, "broken": "Digest realm=", "locked out": right}[given]
    on.asks(
        "INVITE", credentials, to="110", more=(("P-Asserted-Identity", f"<sip:{BOB}@x>"),), call_id="help"
    ).goes_on()
    assert "p-asserted-identity" not in on.forwarded.names
    assert "proxy-authorization" not in on.forwarded.names


def test_an_emergency_call_tells_who_proved_to_make_it_whatever_from_says() -> None:
    on = start().challenged()
    on.asks("INVITE", on.answer_to(to="110"), to="110", sender=f"<sip:{BOB}@x>").goes_on()
    assert on.forwarded.headers("p-asserted-identity") == [f"<sip:{ALICE}@{REALM};user=phone>"]
    on.answer(200).sends(200, PHONE)
    [record] = on.records()
    assert (record["rule"], record["caller"]) == ("never_block", ALICE)


@pytest.mark.parametrize("method", ["REFER", "SUBSCRIBE"])
def test_only_the_emergency_call_itself_goes_without_credentials(method: str) -> None:
    more = [("Refer-To", f"<sip:{BOB}@127.0.0.1>")] if method == "REFER" else []
    on = start()
    on.receive(request(method, PHONE, uri="sip:110@127.0.0.1", to="110", more=more), PHONE).sends(407, PHONE)


def test_a_number_that_merely_begins_like_an_emergency_number_is_not_exempt() -> None:
    start().challenged(to="1100")

"""The switch as a registrar: digest, Path, expiry and de-registration."""

from __future__ import annotations

import pytest

from proxy.sip.message import Message, Response
from simulator.agents.digest import answer_challenge
from simulator.agents.registration import Failure, WirePhone
from simulator.softswitch.embedded.registrar import Account
from simulator.softswitch.embedded.softswitch import Softswitch
from tests.plays.sip_network import PHONES, SWITCH, Handsets, Network, name

STRANGER = ("127.0.0.66", 6060)
ALICE = WirePhone("+8613800138001", "alice", "s3cret")
REGISTER = """\
REGISTER sip:ringfence.example SIP/2.0
Via: SIP/2.0/UDP 127.0.0.66:6060;branch=z9hG4bK{cseq}{call_id}
Max-Forwards: 70
From: <sip:{user}@ringfence.example>;tag=mine
To: <sip:{user}@ringfence.example>
Call-ID: {call_id}
CSeq: {cseq} REGISTER
{headers}Content-Length: 0

"""


def play(password: str | None = None) -> tuple[Network, Softswitch]:
    """A switch that knows alice; without a password it asks for no digest."""
    network = Network()
    switch = Softswitch([Account(ALICE.number, ALICE.user, password)])
    switch.endpoint = network.attach(SWITCH, switch)
    return network, switch


def register(network: Network, *headers: str, user: str = "alice", cseq: int = 1, call_id: str = "r") -> Message:
    """Send a REGISTER and return its answer."""
    text = REGISTER.format(user=user, cseq=cseq, call_id=call_id, headers="".join(f"{h}\n" for h in headers))
    sent = network.inject(text, SWITCH, STRANGER)
    assert len(sent) == 1
    return sent[0]


def status(message: Message) -> int:
    assert isinstance(message, Response)
    return message.status


def test_a_phone_registers_by_answering_the_challenge() -> None:
    network, switch = play("s3cret")
    assert Handsets(network).register(ALICE) == []
    assert network.between(PHONES, SWITCH) == ["> REGISTER", "< 401 REGISTER", "> REGISTER", "< 200 REGISTER"]
    assert "algorithm=SHA-256" in network.last("REGISTER", PHONES).headers("authorization")[0]
    (binding,) = switch.registrar.find(Account(ALICE.number, ALICE.user), network.now)
    assert binding.contact == "sip:alice@127.0.0.9:5060"


def test_a_wrong_password_is_refused_and_an_unknown_user_not_found() -> None:
    network, _ = play("s3cret")
    wrong, unknown = WirePhone(ALICE.number, "alice", "guess"), WirePhone("+8613800138009", "eve", "x")
    assert Handsets(network).register(wrong, unknown) == [Failure(unknown, 404), Failure(wrong, 403)]


@pytest.mark.parametrize(
    ("credentials", "answer"),
    [
        ("Basic YTpi", 401),
        ("Bearer x.y.z", 401),
        ('Digest username="alice', 400),
        ("Digest username=alice, username=eve", 400),
        ("Digest", 403),
    ],
)
def test_credentials_of_another_scheme_are_challenged_and_unreadable_ones_refused(
    credentials: str, answer: int
) -> None:
    network, _ = play("s3cret")
    assert status(register(network, f"Authorization: {credentials}")) == answer


def test_md5_is_offered_second_and_taken() -> None:
    network, _ = play("s3cret")
    challenges = register(network).headers("www-authenticate")
    assert ["SHA-256" in challenges[0], "MD5" in challenges[1]] == [True, True]
    answer = answer_challenge(challenges[1:], "REGISTER", "sip:ringfence.example", "alice", "s3cret")
    accepted = register(network, f"Authorization: {answer}", "Contact: <sip:a@127.0.0.66>", cseq=2)
    assert status(accepted) == 200


def test_a_stale_nonce_is_challenged_again_and_says_so() -> None:
    network, _ = play("s3cret")
    challenges = register(network).headers("www-authenticate")
    answer = answer_challenge(challenges, "REGISTER", "sip:ringfence.example", "alice", "s3cret")
    network.now += 301.0
    again = register(network, f"Authorization: {answer}", cseq=2)
    assert status(again) == 401
    assert "stale=true" in again.headers("www-authenticate")[0]


@pytest.mark.parametrize("user", ["alice", "+8613800138001", "8613800138001"])
def test_the_address_of_record_may_be_the_user_or_the_number(user: str) -> None:
    network, _ = play()
    assert status(register(network, "Contact: <sip:a@127.0.0.66>", user=user)) == 200


def test_the_answer_lists_contacts_with_their_time_and_echoes_the_path() -> None:
    network, _ = play()
    answer = register(network, "Contact: <sip:a@127.0.0.66>;expires=60", "Path: <sip:127.0.0.1:5060;lr>")
    assert answer.headers("contact") == ["<sip:a@127.0.0.66>;expires=60"]
    assert answer.headers("path") == ["<sip:127.0.0.1:5060;lr>"]
    network.now += 20.0
    assert register(network, call_id="query").headers("contact") == ["<sip:a@127.0.0.66>;expires=40"]
    network.now += 40.0
    assert register(network, call_id="later").headers("contact") == []


def test_the_expires_header_counts_where_the_contact_says_nothing_and_has_an_upper_bound() -> None:
    network, _ = play()
    contacts = register(network, "Contact: <sip:a@127.0.0.66>, <sip:b@127.0.0.66>;expires=5", "Expires: 99999")
    assert contacts.headers("contact") == ["<sip:a@127.0.0.66>;expires=7200", "<sip:b@127.0.0.66>;expires=5"]


def test_expires_zero_takes_one_contact_out_and_the_star_all() -> None:
    network, _ = play()
    register(network, "Contact: <sip:a@127.0.0.66>, <sip:b@127.0.0.66>, <sip:c@127.0.0.66>")
    rest = register(network, "Contact: <sip:b@127.0.0.66>;expires=0", cseq=2)
    assert [contact.partition(";")[0] for contact in rest.headers("contact")] == [
        "<sip:a@127.0.0.66>",
        "<sip:c@127.0.0.66>",
    ]
    assert register(network, "Contact: *", "Expires: 0", cseq=3).headers("contact") == []


@pytest.mark.parametrize(
    "headers",
    [
        ("Contact: *",),
        ("Contact: *, <sip:a@127.0.0.66>", "Expires: 0"),
        ("Contact: <sip:b@127.0.0.66>, <sip:broken",),
    ],
)
def test_a_wrong_contact_changes_nothing(headers: tuple[str, ...]) -> None:
    network, _ = play()
    register(network, "Contact: <sip:a@127.0.0.66>")
    assert status(register(network, *headers, cseq=2)) == 400
    assert len(register(network, call_id="query").headers("contact")) == 1


def test_an_older_request_of_the_same_phone_does_not_undo_a_newer_one() -> None:
    network, _ = play()
    register(network, "Contact: <sip:a@127.0.0.66>", cseq=7)
    assert status(register(network, "Contact: <sip:a@127.0.0.66>;expires=0", cseq=6)) == 400
    assert len(register(network, call_id="query").headers("contact")) == 1
    restarted = register(network, "Contact: <sip:a@127.0.0.66>;expires=9", cseq=1, call_id="restarted")
    assert restarted.headers("contact") == ["<sip:a@127.0.0.66>;expires=9"]


def test_hundreds_of_phones_register_a_few_at_a_time() -> None:
    network = Network()
    phones = [WirePhone(f"+8613800138{i:03}", f"user{i}", f"secret{i}") for i in range(300)]
    switch = Softswitch(Account(phone.number, phone.user, phone.password) for phone in phones)
    switch.endpoint = network.attach(SWITCH, switch)
    assert Handsets(network).register(*phones) == []
    log = [name(message) for _, _, _, message in network.log]
    assert log[:33] == ["REGISTER"] * 32 + ["401 REGISTER"]
    assert log.count("200 REGISTER") == 300


def test_a_phone_that_nobody_answers_fails_without_a_status() -> None:
    network = Network()
    handsets = Handsets(network)
    outcome: list[list[Failure]] = []
    handsets.register_later(outcome, ALICE)
    network.run(40.0)
    assert outcome == [[Failure(ALICE, None)]]

"""Subscribers' orders by text and star code, and what they are told."""

from __future__ import annotations

import pytest

from proxy.numbers.numbering import Numbering
from proxy.numbers.star_codes import read_code
from proxy.policy.profile import Barring, Subscriber
from proxy.presets import preset
from proxy.self_service.control import MOST_LISTED, Reply, SelfService
from proxy.subscribers.changes import Change, Overlay, WrongPins
from tests.plays.self_service import ALICE, CODES, ENGLISH, HERE, HOUR, NOON, after, barred, dials, texts


@pytest.mark.parametrize(
    ("keyword", "service", "opposite", "setting"),
    [
        ("QXGJLH", "10086", "KTGJLH", "incoming_international"),
        ("GBGJLH", "10010", "KTGJLH", "incoming_international"),
        ("GBGJDX", "10010", "KTGJDX", "incoming_international_texts"),
        ("QXGLLJ", "10099", "KTGLLJ", "incoming_international"),
        ("KTFSR", "10001", "QXFSR", "incoming_international"),
    ],
)
def test_the_carriers_keywords_turn_barring_on_and_their_opposites_off(
    keyword: str, service: str, opposite: str, setting: str
) -> None:
    on = texts(f" {keyword.lower()}\r\n", service)
    assert (on.prompt, on.changes) == ("changed", (Change(ALICE.number, setting, True),))
    assert f"{opposite} to {service}" in on.text
    off = texts(opposite, service, after(on))
    assert (off.prompt, off.changes) == ("changed", (Change(ALICE.number, setting, False),))
    assert texts(opposite, service).prompt == "unchanged"


@pytest.mark.parametrize("text", ["QXGJLH\u3002", "\u201cqxgjlh\u201d", "QXGJLH\uff01\uff01", " QXGJLH.\r\n"])
def test_marks_around_a_keyword_are_no_part_of_it(text: str) -> None:
    assert after(texts(text)).barring.incoming_international


@pytest.mark.parametrize(
    "text", ["BLOCK 010*\u3002", "Block: 010*", 'BLOCK "010*"', "BLOCK\uff1a010*\uff01", "BLOCK 010*."]
)
def test_nor_of_a_number(text: str) -> None:
    assert after(texts(text)).block == ("+8610*",)


def test_a_keyword_of_another_carrier_is_not_understood() -> None:
    reply = texts("GBGJLH", "10086")
    assert reply.changes == ()
    assert "We did not understand that." in reply.text
    assert "QXGJLH" in reply.text
    assert "GBGJLH" not in reply.text


def test_replies_come_in_the_languages_of_the_preset() -> None:
    reply = texts("QXGJLH")
    assert "境外来电和短信: 已拦截" in reply.text
    assert "Calls and texts from abroad: blocked" in reply.text
    assert "境外" not in texts("BLOCK OVERSEAS", "7000", desk=ENGLISH).text


@pytest.mark.parametrize(
    ("written", "pattern"),
    [
        ("+6591234567", "+6591234567"),
        ("+65 9123-4567", "+6591234567"),
        ("＋６５９１２３４５６７", "+6591234567"),
        ("006591234567", "+6591234567"),
        ("13900139003", "+8613900139003"),
        ("10086", "10086"),
        ("+1900*", "+1900*"),
        ("00*", "00*"),
    ],
)
def test_numbers_are_put_on_lists_however_they_are_written(written: str, pattern: str) -> None:
    allowed = after(texts(f"Allow {written}"))
    assert (allowed.allow, allowed.block) == ((pattern,), ())
    blocked = after(texts(f"BLOCK {written}", who=allowed), allowed)
    assert (blocked.allow, blocked.block) == ((), (pattern,))
    removed = after(texts(f"REMOVE {written}", who=blocked), blocked)
    assert (removed.allow, removed.block) == ((), ())


BRITAIN = Numbering("GB")
ANN = Subscriber("+442079460101")


def british(text: str, who: Subscriber = ANN) -> Reply:
    return ENGLISH.by_text(who, "7000", text, BRITAIN)


def test_a_prefix_as_dialled_is_put_on_a_list_as_what_it_stands_for_and_the_reply_says_so() -> None:
    reply = british("BLOCK 09*")
    assert reply.text == "Done.\n09* (+449*) cannot reach you.\nTo undo this, text REMOVE 09* to 7000."
    blocked = after(reply, ANN)
    assert blocked.block == ("+449*",)
    assert "Cannot reach you: +449*" in british("STATUS", blocked).text
    for written in ("REMOVE 09*", "REMOVE +449*", "REMOVE +44 (0)9*", "REMOVE 00449*"):
        removed = british(written, blocked)
        assert removed.prompt == "changed"
        assert after(removed, blocked) == ANN
    assert british("BLOCK +449*", blocked).prompt == "unchanged"
    assert after(british("ALLOW 09*", blocked), blocked).allow == ("+449*",)


def test_all_numbers_abroad_are_put_on_a_list_in_words() -> None:
    reply = british("BLOCK 00*")
    assert "00* (every number abroad) cannot reach you." in reply.text
    assert "Cannot reach you: every number abroad" in british("STATUS", after(reply, ANN)).text
    assert after(texts("BLOCK 00*")).block == ("00*",)
    assert "所有境外号码" in texts("BLOCK 00*").text


def test_a_prefix_that_stands_for_two_is_put_on_and_taken_off_as_both() -> None:
    reply = british("BLOCK 118*")
    assert "118* (118*, +44118*) cannot reach you." in reply.text
    blocked = after(reply, ANN)
    assert blocked.block == ("118*", "+44118*")
    assert after(british("REMOVE 118*", blocked), blocked) == ANN


@pytest.mark.parametrize("written", ["+0123*", "000000*", "*", "+*", "07700", "+44", "0770090012", "1234567890123456*"])
def test_what_stands_for_no_number_changes_no_list(written: str) -> None:
    for order in ("ALLOW", "BLOCK", "REMOVE"):
        reply = british(f"{order} {written}")
        assert (reply.prompt, reply.changes) == ("unchanged", ())
        assert "is no telephone number" in reply.text


def test_a_number_that_is_on_the_list_already_changes_nothing() -> None:
    assert texts("ALLOW +6591234567", who=ALICE.but(allow=("+6591234567",))).prompt == "unchanged"
    assert texts("REMOVE +6591234567").prompt == "unchanged"


@pytest.mark.parametrize("text", ["ALLOW", "ALLOW me", "BLOCK +65 nine", "ALLOW +12345678901234567", "BLOCK *"])
def test_what_is_no_number_is_said_to_be_none(text: str) -> None:
    reply = texts(text)
    assert reply.changes == ()
    assert "is no telephone number" in reply.text


def test_lists_have_an_end() -> None:
    full = ALICE.but(allow=tuple(f"+6591{i:06d}" for i in range(MOST_LISTED)))
    reply = texts("ALLOW +6599999999", who=full)
    assert reply.changes == ()
    assert "That list is full: it holds 100 numbers." in reply.text


def test_the_status_shows_it_all_and_changes_nothing() -> None:
    reply = texts("STATUS", "7000", barred(anonymous=True).but(allow=("+6591234567",)), ENGLISH)
    assert reply == Reply(
        "unchanged",
        "All calls and texts to you: let through\n"
        "Calls and texts to you when roaming: let through\n"
        "Calls and texts from abroad: let through\n"
        "Texts from abroad: let through\n"
        "Your calls and texts to anybody: let through\n"
        "Your calls to numbers abroad: let through\n"
        "Calls from people who hide their number: blocked\n"
        "Texts about calls that were refused: not sent\n"
        "Can always reach you: +6591234567\n"
        "Cannot reach you: nobody",
    )


def test_texts_stay_barred_while_calls_and_texts_are_and_the_reply_says_so() -> None:
    reply = texts("ALLOW OVERSEAS TEXTS", "7000", barred(incoming_international=True), ENGLISH)
    assert reply.prompt == "unchanged"
    assert "Calls and texts from abroad: blocked" in reply.text


@pytest.mark.parametrize(
    ("code", "barring", "said"),
    [
        ("#354*2580#", {"all_incoming": True}, "All calls and texts to you: blocked"),
        ("#351*2580#", {"all_incoming": True}, "All calls and texts to you: blocked"),
        ("#356*2580#", {"all_incoming": True}, "All calls and texts to you: blocked"),
        ("#331*2580#", {"all_outgoing": True}, "Your calls and texts to anybody: blocked, except emergency calls"),
    ],
)
def test_a_reply_says_what_wider_setting_still_bars(code: str, barring: dict[str, bool], said: str) -> None:
    assert said in dials(code, barred(**barring)).text
    assert said not in dials(code).text


def test_a_code_for_one_direction_leaves_the_other() -> None:
    both = barred(all_incoming=True, all_outgoing=True)
    assert after(dials("#333*2580#", both), both) == barred(all_incoming=True)
    assert after(dials("#353*2580#", both), both) == barred(all_outgoing=True)
    assert after(dials("#330*2580#", both), both) == ALICE


@pytest.mark.parametrize("text", ["", " \n", "HELLO", "BLOCK OVERSEAS PLEASE", "\x00" * 5000, "ALLOW " + "9" * 5000])
def test_any_text_gets_an_answer_that_fits_into_a_message(text: str) -> None:
    for desk, service in ((HERE, "10086"), (ENGLISH, "7000")):
        reply = texts(text, service, desk=desk)
        assert reply.changes == ()
        assert 0 < len(reply.text.encode()) <= 1000


def test_long_lists_are_cut_short() -> None:
    many = tuple(f"+6591{i:011d}" for i in range(MOST_LISTED))
    barring = Barring(**dict.fromkeys(Barring.__match_args__, True))
    reply = texts("STATUS", who=ALICE.but(barring=barring, allow=many, block=many, notify=True))
    assert reply.text.endswith("(+96)")
    assert len(reply.text.encode()) <= 1000


def test_three_wrong_pins_in_a_row_lock_the_codes_and_nothing_changes() -> None:
    overlay = Overlay()
    said = []
    for code in ("*354*1111#", "*354*2222#", "*354*3333#", "*354*2580#"):
        reply = dials(code, wrong=overlay.wrong_pins(ALICE.number))
        said.append(reply.prompt)
        for change in reply.changes:
            overlay.apply(change)
    assert said == ["wrong-pin", "wrong-pin", "locked", "locked"]
    assert overlay.over(ALICE) == ALICE
    assert texts("QXGJLH").prompt == "changed"  # texts still work


def test_the_right_pin_makes_wrong_ones_forgotten_and_a_missing_one_is_no_try() -> None:
    right = dials("*354*2580#", wrong=WrongPins(2, NOON))
    assert right.prompt == "changed"
    assert Change(ALICE.number, "wrong_pins", 0) in right.changes
    missing = dials("*354#", wrong=WrongPins(2, NOON))
    assert (missing.prompt, missing.changes) == ("wrong-pin", ())
    assert "*354*PIN#" in missing.text


def test_a_lock_ends_after_its_time_with_all_tries_given_back() -> None:
    locked = WrongPins(3, NOON)
    assert dials("*354*2580#", wrong=locked, at=NOON + 24 * HOUR - 1).prompt == "locked"
    assert dials("*354*2580#", wrong=locked, at=NOON + 24 * HOUR).prompt == "changed"
    wrong = dials("*354*1111#", wrong=locked, at=NOON + 24 * HOUR)
    assert wrong.prompt == "wrong-pin"
    assert "Tries left: 2." in wrong.text


@pytest.mark.parametrize("ahead", [1, 23 * HOUR, 24 * HOUR, 240 * HOUR])
def test_a_lock_of_a_clock_that_was_ahead_takes_its_time_from_the_first_try_after_that_was_set(ahead: float) -> None:
    overlay = Overlay([Change(ALICE.number, "wrong_pins", 3), Change(ALICE.number, "last_wrong_pin", NOON + ahead)])

    def tries(at: float) -> Reply:
        reply = dials("*354*2580#", wrong=overlay.wrong_pins(ALICE.number), at=at)
        for change in reply.changes:
            overlay.apply(change)
        return reply

    first = tries(NOON)
    assert first.prompt == "locked"
    assert "24 hours" in first.text
    assert tries(NOON + 24 * HOUR - 1).prompt == "locked"
    assert tries(NOON + 24 * HOUR).prompt == "changed"
    assert tries(NOON + 24 * HOUR + ahead).prompt == "changed"  # nor does it come back


def test_a_lock_without_a_time_ends_with_the_operator() -> None:
    code = read_code("*354*2580#", CODES)
    assert code is not None
    forever = SelfService(preset.load("default").vocabulary, 0)
    reply = forever.by_code(ALICE, code, WrongPins(3, NOON), NOON + 1e9)
    assert reply.prompt == "locked"
    assert "ask your operator" in reply.text


def test_a_notice_says_who_why_and_how_to_let_them_through() -> None:
    assert ENGLISH.refused_call_notice(ALICE, "+23224000001", "barring.incoming_international", is_text=False) == (
        "A call from +23224000001 was refused: you take no calls and texts from abroad.\n"
        "To let them through, text ALLOW +23224000001 to 7000."
    )
    everybody = ENGLISH.refused_call_notice(ALICE, "+23224000001", "barring.all_incoming", is_text=False)
    assert everybody.startswith("A call from +23224000001 was refused: you take no calls and texts.\n")
    roaming = ENGLISH.refused_call_notice(ALICE, "+23224000001", "barring.incoming_when_roaming", is_text=False)
    assert "refused: you take no calls and texts when roaming.\n" in roaming
    assert ENGLISH.refused_call_notice(barred(anonymous=True), "", "anonymous.reject", is_text=True) == (
        "A text from somebody without a number was refused: you take no calls from people who hide their number.\n"
        "To let them through, text ALLOW ANONYMOUS to 7000."
    )


@pytest.mark.parametrize(("barring", "rule", "keyword"), [
    ("incoming_international", "barring.incoming_international", "ALLOW OVERSEAS"),
    ("incoming_international_texts", "barring.incoming_international", "ALLOW OVERSEAS TEXTS"),
    ("all_incoming", "barring.all_incoming", "ALLOW INCOMING"), ("anonymous", "subscriber.block", None),
])  # fmt: skip
def test_who_hides_their_number_is_let_through_by_what_refused_them(
    barring: str, rule: str, keyword: str | None
) -> None:
    told = ENGLISH.refused_call_notice(barred(**{barring: True}), "", rule, is_text=True)
    assert told.partition("\n")[2] == (f"To let them through, text {keyword} to 7000." if keyword else "")

"""Subscribers' orders by text and star code, and what they are told."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from proxy.numbers.numbering import Numbering
from proxy.numbers.star_codes import mask, read_code
from proxy.policy.precedence import CALLERS_OWN, REFUSING
from proxy.policy.profile import Barring, Subscriber
from proxy.presets import preset
from proxy.self_service.control import MOST_LISTED, Reply, SelfService
from proxy.self_service.vocabulary import Code, phrases
from proxy.subscribers.changes import Change, Overlay, WrongPins

ALICE = Subscriber("+8613800138001", pin="2580")
CHINA = Numbering("CN")
NOON = 1_760_000_000.0
HOUR = 3600.0
NO_WRONG_PINS = WrongPins()
HERE = SelfService(preset.load("cn").vocabulary, 24 * HOUR)
ENGLISH = SelfService(preset.load("default").vocabulary, 24 * HOUR)
CODES = ENGLISH.vocabulary.codes


def texts(text: str, service: str = "10086", who: Subscriber = ALICE, desk: SelfService = HERE) -> Reply:
    return desk.by_text(who, service, text, CHINA)


def dials(code: str, who: Subscriber = ALICE, wrong: WrongPins = NO_WRONG_PINS, at: float = NOON) -> Reply:
    read = read_code(code, CODES)
    assert read is not None
    return ENGLISH.by_code(who, read, wrong, at)


def after(reply: Reply, who: Subscriber = ALICE) -> Subscriber:
    """The subscriber once the changes are in force."""
    return Overlay(reply.changes).over(who)


def barred(**barring: bool) -> Subscriber:
    return replace(ALICE, barring=Barring(**barring))


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


@pytest.mark.parametrize("name", preset.names())
def test_every_setting_of_every_preset_can_be_turned_on_and_off_again(name: str) -> None:
    vocabulary = preset.load(name).vocabulary
    for word, keyword in vocabulary.keywords.items():
        assert set(keyword.numbers) <= set(vocabulary.numbers)
        if keyword.do in ("on", "off"):
            for service in keyword.numbers or vocabulary.numbers:
                opposite = vocabulary.find("off" if keyword.do == "on" else "on", keyword.settings, service)
                assert opposite is not None, word
                assert opposite[1] == service
    assert {"331", "332", "354", "33", "35", "351", "330", "333", "353"} <= vocabulary.codes.keys()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_language_knows_every_setting_and_every_reason(language: str) -> None:
    say = phrases(language)
    settings = {*Barring.__slots__, "notify"}
    assert set(say.settings) == set(say.on) == set(say.off) == settings
    assert set(say.reasons) == set(REFUSING) - CALLERS_OWN


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
    assert texts("ALLOW +6591234567", who=replace(ALICE, allow=("+6591234567",))).prompt == "unchanged"
    assert texts("REMOVE +6591234567").prompt == "unchanged"


@pytest.mark.parametrize("text", ["ALLOW", "ALLOW me", "BLOCK +65 nine", "ALLOW +12345678901234567", "BLOCK *"])
def test_what_is_no_number_is_said_to_be_none(text: str) -> None:
    reply = texts(text)
    assert reply.changes == ()
    assert "is no telephone number" in reply.text


def test_lists_have_an_end() -> None:
    full = replace(ALICE, allow=tuple(f"+6591{i:06d}" for i in range(MOST_LISTED)))
    reply = texts("ALLOW +6599999999", who=full)
    assert reply.changes == ()
    assert "That list is full: it holds 100 numbers." in reply.text


def test_the_status_shows_it_all_and_changes_nothing() -> None:
    reply = texts("STATUS", "7000", replace(barred(anonymous=True), allow=("+6591234567",)), ENGLISH)
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
    barring = Barring(**dict.fromkeys(Barring.__slots__, True))
    reply = texts("STATUS", who=replace(ALICE, barring=barring, allow=many, block=many, notify=True))
    assert reply.text.endswith("(+96)")
    assert len(reply.text.encode()) <= 1000


@pytest.mark.parametrize(
    ("on", "off", "query", "setting"),
    [
        ("*33*2580#", "#33*2580#", "*#33#", "all_outgoing"),
        ("**35*2580#", "##35*2580#", "*#35#", "all_incoming"),
        ("*351*2580#", "#351*2580#", "*#351#", "incoming_when_roaming"),
        ("*33*2580#", "#333*2580#", "*#33#", "all_outgoing"),
        ("*35*2580#", "#353*2580#", "*#35#", "all_incoming"),
        ("*351*2580#", "#330*2580#", "*#351#", "incoming_when_roaming"),
        ("*331*2580#", "#331*2580#", "*#331#", "outgoing_international"),
        ("**332*2580#", "##332*2580#", "*#332#", "outgoing_international"),
        ("*354*2580#", "#354*2580#", "*#354#", "incoming_international"),
        ("*354*2580*10#", "#353*2580#", "*#354#", "incoming_international"),
        ("*356*2580#", "#330*2580#", "*#356#", "anonymous"),
    ],
)
def test_star_codes_with_the_pin_turn_settings_on_and_off(on: str, off: str, query: str, setting: str) -> None:
    turned_on = dials(on)
    assert (turned_on.prompt, turned_on.changes) == ("changed", (Change(ALICE.number, setting, True),))
    changed = after(turned_on)
    assert dials(on, changed).prompt == "unchanged"
    assert "blocked" in dials(query, changed).text
    assert after(dials(off, changed), changed) == ALICE
    assert "let through" in dials(query).text


def test_a_subscriber_without_a_pin_needs_none() -> None:
    assert dials("*354#", replace(ALICE, pin=None)).prompt == "changed"


@pytest.mark.parametrize("code", ["*330*2580#", "*333*2580#", "*353*2580#", "*35*2580*16#"])
def test_what_is_not_offered_says_so_and_writes_no_pin_down(code: str) -> None:
    reply = dials(code)
    assert (reply.prompt, reply.changes) == ("unchanged", ())
    assert "is not offered here" in reply.text
    assert "2580" not in reply.text


def test_a_config_can_take_a_code_out_of_the_offer() -> None:
    without = preset.load("default").vocabulary.changed((), {}, {"33": Code()})
    code = read_code("*33*2580#", CODES)
    assert code is not None
    reply = SelfService(without, 0).by_code(ALICE, code, NO_WRONG_PINS, NOON)
    assert (reply.changes, reply.text) == ((), "*33# is not offered here.")


def test_a_code_without_its_last_key_is_taken_and_not_passed_on_with_its_pin() -> None:
    assert read_code("*354*2580", CODES) == read_code("*354*2580#", CODES)
    assert dials("*354*2580").prompt == "changed"


MALFORMED = [
    "*331*1111##", "*33*2580a", "*331*1111*10*11#", "**03*330*2580*1111*1111#", "*03**2580*1111*1111#", "*331#2580#",
    "*3310*2580#", "*3312580#", "331*2580#", "33#2580",
    "**04*2580*1111*1111#", "**05*25801111*1111*1111#", "**#331*2580#", "*331*25a0#", "*33**2580*#",
]  # fmt: skip


@pytest.mark.parametrize("dialled", MALFORMED)
def test_what_is_like_a_code_changes_nothing_and_no_pin_of_it_is_told(dialled: str) -> None:
    reply = dials(dialled)
    assert (reply.prompt, reply.changes) == ("unchanged", ())
    for shown in (reply.text, mask(dialled)):
        assert not {"2580", "1111", "25a0"} & set(re.findall(r"\w{4}", shown))


@pytest.mark.parametrize(
    "dialled", ["3310#", "10086", "*98", "*9813800138002", "#31#13800138002", "*", "##", "alice*331#"]
)
def test_what_is_no_code_of_ours_is_none(dialled: str) -> None:
    assert read_code(dialled, CODES) is None


@pytest.mark.parametrize("dialled", ["+*331*2580#", "* 331 * 2580 #", "\uff0a331\uff0a2580\uff03", "(*331*2580#)"])
def test_a_code_is_one_however_it_is_written(dialled: str) -> None:
    code = read_code(dialled, CODES)
    assert code is not None
    assert (code.do, code.service, code.pin, code.masked, mask(dialled)) == ("on", "331", "2580", "*331#", "*331#")


@pytest.mark.parametrize(("dialled", "shown"), [
    ("*331*2580#", "*331#"), ("*12*2580", "*12#"), ("*72#", "*72#"), ("*98", "*98"), ("*982580", "*..."),
    ("*331*2580##", "*331..."), ("*#331#", "*#331#"), ("+8613800138002", "+8613800138002"), ("10086*1", "10086*..."),
    ("331*2580#", "331*..."), ("*2580#", "*..."), ("331#", "331#"), ("alice*2580", "alice*..."),
    ("\u7231*1", "\u7231*..."),
    ("", ""), ("#", "#"), ("####2580#", "##..."),
])  # fmt: skip
def test_of_a_code_only_the_beginning_is_written_down(dialled: str, shown: str) -> None:
    assert mask(dialled) == shown


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

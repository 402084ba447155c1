"""The words and star codes by which subscribers order."""

from __future__ import annotations

import re

import pytest

from proxy.numbers.star_codes import mask, read_code
from proxy.policy.precedence import CALLERS_OWN, REFUSING
from proxy.policy.profile import Barring
from proxy.presets import preset
from proxy.self_service.control import SelfService
from proxy.self_service.vocabulary import Code, phrases
from proxy.subscribers.changes import Change
from tests.plays.self_service import ALICE, CODES, NO_WRONG_PINS, NOON, after, dials


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
    settings = {*Barring.__match_args__, "notify"}
    assert set(say.settings) == set(say.on) == set(say.off) == settings
    assert set(say.reasons) == set(REFUSING) - CALLERS_OWN


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
    assert dials("*354#", ALICE.but(pin=None)).prompt == "changed"


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

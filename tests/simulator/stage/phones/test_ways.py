"""The ways in which a phone's owner changes settings, as the presets have them."""

from __future__ import annotations

import pytest

from proxy.presets import preset
from simulator.stage.phones.ways import SHOWN, allowing, offered, ways


@pytest.mark.parametrize("name", preset.names())
def test_every_setting_can_be_switched_on_and_off_by_text_in_every_preset(name: str) -> None:
    found = ways(preset.load(name).vocabulary)
    assert [each.setting for each in found] == list(SHOWN)
    assert all(each.on and each.off for each in found)
    assert {each.setting: each.code for each in found} == {
        "incoming_international": "354",
        "incoming_international_texts": "355",
        "outgoing_international": "331",
        "anonymous": "356",
        "all_incoming": "35",
        "notify": None,
    }


def test_mainland_words_go_to_the_operator_that_knows_them() -> None:
    texts = {each.setting: each for each in ways(preset.load("cn").vocabulary)}
    assert texts["incoming_international"].on == ("QXGJLH", "10086")
    assert texts["incoming_international_texts"].on == ("GBGJDX", "10010")


def test_the_number_of_a_notice_is_the_one_behind_the_word() -> None:
    vocabulary = preset.load("default").vocabulary
    notice = "A call from +6591234567 was refused.\nTo let them through, text ALLOW +6591234567 to 7000."
    assert offered(vocabulary, notice) == "+6591234567"
    assert allowing(vocabulary, "+6591234567") == ("ALLOW +6591234567", "7000")


@pytest.mark.parametrize("text", ["", "ALLOW", "ALLOW OVERSEAS to 7000", "DISALLOW+6591234567", "allow +6591234567"])
def test_other_texts_name_nobody(text: str) -> None:
    assert offered(preset.load("default").vocabulary, text) is None

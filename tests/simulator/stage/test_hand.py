"""The hand: families have plausible callers in every country, and what is chosen freely is checked."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.numbers.numbering import Numbering
from proxy.presets import preset
from simulator.offline.calls import CallMaker
from simulator.offline.verdicts import Data, Deciding
from simulator.scenario.model import Scenario, load_scenarios
from simulator.stage.chosen import DEFAULT
from simulator.stage.families import NAMES, families_of
from simulator.stage.hand import Hand, Unplaceable

HOMES = ("CN", "GB", "US", "AU", "SG", "IN", "TW")
[(STAGE, _)] = load_scenarios([DEFAULT])


def numbering(home: str) -> Numbering:
    names = {"CN", "GB", "US", "AU", "SG", "IN", "TW"}
    return preset.numbering(home, preset.load(home.lower() if home in names else "default"))


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("name", ["spoofing", "friend", "courier"])
@pytest.mark.parametrize("number", [0, 17, 39])
def test_callers_at_home_have_numbers_of_the_country(home: str, name: str, number: int) -> None:
    caller = families_of(home, "")[name].call(number, "")["from"]

    read = numbering(home).understand(caller)

    assert (read.e164, read.region) == (caller, home)


@pytest.mark.parametrize("home", HOMES)
@pytest.mark.parametrize("name", ["cold-call", "wangiri", "text", "family", "bank"])
def test_callers_from_abroad_have_numbers_of_another_country(home: str, name: str) -> None:
    read = numbering(home).understand(families_of(home, "")[name].call(3, "")["from"])

    assert read.e164
    assert read.region != home


def test_in_a_country_that_is_not_known_callers_look_like_neighbours() -> None:
    assert families_of("FR", "+33612345678")["friend"].call(4, "")["from"] == "+33612345604"


@pytest.mark.parametrize(
    ("name", "to", "rule"),
    [
        ("cold-call", "alice", "barring.incoming_international"),
        ("cold-call", "bob", "default.allow"),
        ("family", "alice", "subscriber.allow"),
        ("spoofing", "bob", "spoofed.home_number"),
        ("impersonation", "bob", "spoofed.home_number"),
        ("own-number", "bob", "spoofed.own_number"),
        ("wangiri", "bob", "scam_list.prefix"),
        ("reported", "bob", "scam_list.exact"),
        ("anonymous", "carol", "anonymous.reject"),
        ("warning-line", "alice", "never_block"),
        ("friend", "alice", "default.allow"),
        ("bank", "alice", "barring.incoming_international"),
        ("text", "alice", "barring.incoming_international"),
    ],
)
def test_a_family_meets_the_rule_that_it_is_for(name: str, to: str, rule: str) -> None:
    deciding = Deciding(STAGE, Data())
    maker = CallMaker(STAGE, deciding.numbering, 1.7e9)
    planned = Hand(STAGE).family(name, to)

    [verdict] = deciding.verdicts([(maker.make(planned), maker.trunks[planned.trunk])])

    assert verdict is not None
    assert verdict.rule == rule


@pytest.mark.parametrize("name", NAMES)
def test_the_first_calls_of_a_button_come_from_the_numbers_that_it_shows(name: str) -> None:
    hand = Hand(STAGE)
    shown = hand.families[name].to_json(name)["from"]
    placed = [hand.family(name, "bob") for _ in range(2)]
    called = {each.caller for each in placed}

    if shown.endswith("…"):
        assert called == {f"{shown[:-1]}01", f"{shown[:-1]}02"}
    else:
        assert called == {shown or placed[0].callee}
    assert len({each.id for each in placed}) == 2


def test_every_button_has_words_in_both_languages() -> None:
    families = Hand(STAGE).families

    assert tuple(families) == NAMES
    for name, family in families.items():
        shown = family.to_json(name)
        assert shown["title"]["en"].isascii() or "“" in shown["title"]["en"]
        assert not shown["title"]["zh"].isascii()


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({"from": "", "to": "bob"}, "from: expected a value, found none"),
        ({"from": "+1", "to": "nobody"}, "to: expected"),
        ({"from": "+1", "to": "bob", "trunk": "roof"}, "trunk"),
        ({"from": "+1", "to": "bob", "truth": "maybe"}, "truth"),
        ({"from": "+1", "to": "bob", "ring": "long"}, "ring: expected a duration"),
        ({"from": "+1", "to": "bob", "method": "MESSAGE"}, "method: expected"),
        ({"from": "+1", "to": "bob", "display_name": "a\r\nX: b"}, "display_name"),
        ({"from": "+1\r\nX: b", "to": "bob"}, "from"),
        ({"from": "+1", "to": "bob", "body": "x" * 501, "method": "MESSAGE"}, "at most 500 characters"),
        ({"from": "+1", "to": "bob", "call": "other"}, "call"),
        ({"from": 1, "to": "bob"}, "from: expected a text"),
        ({"from": ["+1"], "to": "bob"}, "from: expected a text"),
        ({"from": "eve", "to": "bob", "trunk": "phones"}, "from: expected a subscriber"),
    ],
)
def test_what_cannot_be_placed_is_named(keys: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Unplaceable, match=r"expected|found") as refused:
        Hand(STAGE).call(keys)

    assert wrong in str(refused.value)


@pytest.mark.parametrize("shown", ['"><img src=x onerror=alert(1)>', "</script><script>", "名" * 100, "a;tag=1", '\\"'])
def test_a_hostile_name_is_placed_as_it_is(shown: str) -> None:
    planned = Hand(STAGE).call({"from": "+12025550101", "to": "bob", "display_name": shown})

    assert planned.display_name == shown


def test_a_scenario_of_another_home_has_callers_of_its_own() -> None:
    british: Scenario = STAGE.model_copy(update={"home": "GB", "preset": "gb"})

    assert Hand(british).family("friend", "bob").caller.startswith("+4477009009")

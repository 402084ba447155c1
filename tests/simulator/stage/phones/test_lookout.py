"""The warnings of the safety app: of numbers by the lists of the lab, and of texts by what is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.config.models import load_config
from proxy.process.loading import load_snapshot
from simulator.stage.phones.lookout import Lookout


@pytest.fixture
def lookout(tmp_path: Path) -> Lookout:
    (tmp_path / "subscribers.yaml").write_text('subscribers: [{number: "+8613800138001"}]\n')
    (tmp_path / "scam.csv").write_text("number,category,confidence,source,expires\n+23224*,wangiri,0.9,lab,\n")
    (tmp_path / "proxy.yaml").write_text(
        "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\nhome: CN\npreset: cn\n"
        "trunks: {phones: {match: [127.0.0.0/8], kind: access}}\n"
        "subscribers: subscribers.yaml\nscam_lists: [scam.csv]\n"
    )
    return Lookout(load_snapshot(load_config(tmp_path / "proxy.yaml")))


@pytest.mark.parametrize(
    ("number", "warnings"),
    [
        ("+8613900139001", []),
        ("13900139001", []),
        ("+6591234567", ["overseas"]),
        ("006591234567", ["overseas"]),
        ("+85291234567", ["overseas"]),
        ("+23224555001", ["reported", "overseas"]),
        ("96110", []),
        ("anonymous", ["hidden"]),
        ("", ["hidden"]),
        ("<img src=x>", []),
    ],
)
def test_a_number_is_looked_up(lookout: Lookout, number: str, warnings: list[str]) -> None:
    assert lookout.about_caller(number) == warnings


@pytest.mark.parametrize(
    ("body", "is_link"),
    [
        ("Pay the fee at parcel.example/pay", True),
        ("https://parcel.example", True),
        ("Visit www.bank.example.", True),
        ("Dinner at seven. See you", False),
        ("It costs 3.50 today.", False),
        ("", False),
    ],
)
def test_a_link_in_a_text_is_warned_of(lookout: Lookout, body: str, is_link: bool) -> None:
    assert lookout.about_text("+8613900139001", body) == (["link"] if is_link else [])


def test_the_operators_own_texts_are_not_warned_of(lookout: Lookout) -> None:
    assert lookout.about_text("10086", "To undo this, text KTGJLH to 10086. www.operator.example") == []


def test_a_number_is_the_same_however_it_is_written(lookout: Lookout) -> None:
    assert lookout.is_same("+8613900139001", "13900139001")
    assert lookout.is_same("96110", "96110")
    assert not lookout.is_same("+8613900139001", "+8613900139002")
    assert not lookout.is_same("", "")

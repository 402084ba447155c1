"""A card is believed if its key signed it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.policy.answers import Card
from proxy.signing.card import write_card
from simulator.lab.published_card import new_key, whose

CARD = Card(name="Example Carrier", email="redress@carrier.example", certificate_url="https://redress.example/card.pem")


def test_the_proxys_card_is_believed(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key.pem")
    write_card(tmp_path / "card.jws", CARD, tmp_path / "key.pem", 1_700_000_000.0)
    assert whose(tmp_path / "card.jws", key) == "Example Carrier"


@pytest.mark.parametrize(
    "spoilt", ["another key", "another word", "no signature", "no file", "no card", "not even text"]
)
def test_nothing_else_is(tmp_path: Path, spoilt: str) -> None:
    key = new_key(tmp_path / "key.pem")
    card = tmp_path / "card.jws"
    write_card(card, CARD, tmp_path / "key.pem", 1_700_000_000.0)
    text = card.read_text()
    if spoilt == "another key":
        key = new_key(tmp_path / "other.pem")
    elif spoilt == "no file":
        card.unlink()
    else:
        header, payload, signature = text.split(".")
        changed = {
            "another word": f"{header}.{payload[:-4]}AAAA.{signature}",
            "no signature": f"{header}.{payload}.",
            "no card": "hello",
            "not even text": "\xff.\xff",
        }
        card.write_text(changed[spoilt], encoding="latin-1")
    with pytest.raises(ValueError, match="no card that its key has signed"):
        whose(card, key)

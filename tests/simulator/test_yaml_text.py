"""YAML that programs write is what they read again, and what a person may read and change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.yaml_text import as_yaml, from_yaml


@pytest.mark.parametrize(
    "document",
    [
        {"number": "+8613800138001", "pin": "0447", "on": "on", "no": "NO", "time": "12:30", "none": "null"},
        {
            "words": [
                "小红",
                "a: b",
                "- c",
                "# d",
                "",
                " ",
                "x" * 500,
                "two\nlines\n",
                "\x07",
                "\U0001f4de",
                "a\x85b",
                "\u2028",
                "%",
                '"',
            ]
        },
        {"rate": 0.25, "count": 7, "roaming": True, "treatment": {}, "allow": [], "nothing": None},
    ],
)
def test_what_was_written_is_read_again(document: dict[str, Any]) -> None:
    assert from_yaml(as_yaml(document)) == document


def test_keys_keep_their_order_and_letters_are_legible() -> None:
    assert as_yaml({"to": "bob", "from": "小红", "number": "+8613800138001", "name": "\U0001f4de"}).splitlines() == [
        "to: bob",
        "from: 小红",
        "number: '+8613800138001'",
        r'name: "\U0001F4DE"',
    ]


def test_what_yaml_has_no_word_for_is_refused() -> None:
    with pytest.raises(yaml.YAMLError):
        as_yaml({"file": Path("x")})
    with pytest.raises(UnicodeEncodeError):
        as_yaml({"half a character": "\ud83d"})

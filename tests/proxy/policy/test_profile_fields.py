"""Subscribers as their files give them."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy.policy.profile import Barring, Subscriber
from proxy.policy.profile_fields import SubscriberInFile

ADAPTER = TypeAdapter(SubscriberInFile)
READ = ADAPTER.validate_python


def test_a_subscriber_is_read_from_text_as_the_files_give_it() -> None:
    assert READ(
        {
            "number": "+8613800138001",
            "user": "alice",
            "pin": "2580",
            "roaming": "no",
            "barring": {"incoming_international": "on", "outgoing_international": "off"},
            "allow": ["+6591234567"],
            "block": ["+1900*"],
        }
    ) == Subscriber(
        "+8613800138001",
        user="alice",
        pin="2580",
        barring=Barring(incoming_international=True),
        allow=("+6591234567",),
        block=("+1900*",),
    )


def test_what_no_file_says_is_as_a_subscriber_has_it_by_itself() -> None:
    assert READ({"number": "+8613800138001"}) == Subscriber("+8613800138001")
    assert READ({"number": "+8613800138001", "barring": {}}).barring == Barring()


def test_a_subscriber_that_was_read_already_is_taken_as_it_is() -> None:
    alice = Subscriber("+8613800138001", barring=Barring(anonymous=True))
    assert READ(alice) is alice


def test_a_subscriber_is_written_as_files_have_it() -> None:
    alice = Subscriber("+8613800138001", user="alice", barring=Barring(anonymous=True), allow=("+6591234567",))
    assert READ(ADAPTER.dump_python(alice)) == alice
    assert ADAPTER.validate_json(ADAPTER.dump_json(alice)) == alice


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "13800138001"},
        {"number": "+86 138 0013 8001"},
        {"number": "+0861380013"},
        {"number": "+861380013800112345"},
        {"number": "+٨٦١٣٨"},
        {"pin": "12"},
        {"pin": "12a4"},
        {"user": "ali\nce"},
        {"allow": ["*"]},
        {"block": ["+19*00"]},
        {"barring": {"incoming": "on"}},
        {"roaming": "maybe"},
    ],
)
def test_a_wrong_field_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        READ({"number": "+8613800138001"} | wrong)

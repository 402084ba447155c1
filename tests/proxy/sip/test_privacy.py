"""Wishes to stay unknown, by Privacy and by what Remote-Party-ID says of its own."""

from __future__ import annotations

import pytest

from proxy.sip.message import Request
from proxy.sip.privacy import Hidden, hidden_by, own_privacy, priv_values, withholds


def asking(*headers: tuple[str, str]) -> Request:
    return Request.build("INVITE", "sip:a@b", headers)


@pytest.mark.parametrize(
    ("lines", "wishes"),
    [
        ([], set()),
        (["none"], {"none"}),
        (["id"], {"id"}),
        (["ID ; Critical", "history"], {"id", "critical", "history"}),
        (['id, "critical"'], {"id", "critical"}),
        (["x-id"], {"x-id"}),
    ],
)
def test_all_lines_of_privacy_count_and_only_whole_words(lines: list[str], wishes: set[str]) -> None:
    assert priv_values(asking(*[("Privacy", line) for line in lines])) == wishes


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("<sip:+447700900123@x>;party=calling;privacy=full;screen=yes", {"full"}),
        ("<sip:+447700900123@x>; Privacy = Full", {"full"}),
        ('<sip:+447700900123@x>;privacy="uri,name"', {"uri", "name"}),
        ("<sip:+447700900123@x>;privacy=full-network", {"full"}),
        ("<sip:+447700900123@x>;privacy=off", set()),
        ("<sip:+447700900123@x>", set()),
        ('"x;privacy=full" <sip:+447700900123@x;privacy=full>;screen=yes', set()),
        ("sip:+447700900123@x;privacy=name", {"name"}),
        ("name;screen=no", {"name"}),  # the rest of privacy=uri,name
    ],
)
def test_an_address_can_have_a_privacy_of_its_own(value: str, said: set[str]) -> None:
    assert own_privacy(value) == said


@pytest.mark.parametrize(
    ("headers", "hidden"),
    [
        ([], Hidden()),
        ([("Privacy", "none")], Hidden()),
        ([("Privacy", "session;critical")], Hidden()),
        ([("Privacy", "critical"), ("Privacy", "user;id")], Hidden("Privacy: id;user", True)),
        ([("Remote-Party-ID", "<sip:a@b>;privacy=full")], Hidden("Remote-Party-ID: privacy=full", True)),
        ([("Remote-Party-ID", "<sip:a@b>;privacy=uri,name")], Hidden("Remote-Party-ID: privacy=uri", True)),
        ([("Remote-Party-ID", '"A" <sip:a@b>;privacy=name')], Hidden("", True)),
        ([("Remote-Party-ID", "<sip:a@b>;party=called;privacy=full")], Hidden()),
        ([("Remote-Party-ID", "<tel:1>, <tel:2>;privacy=uri")], Hidden("Remote-Party-ID: privacy=uri", True)),
        ([("Remote-Party-ID", "<junk;privacy=full")], Hidden("Remote-Party-ID: privacy=full", True)),
        ([("Privacy", "none"), ("Remote-Party-ID", "<sip:a@b>;privacy=off")], Hidden()),
    ],
)  # fmt: skip
def test_what_the_caller_asks_to_be_hidden(headers: list[tuple[str, str]], hidden: Hidden) -> None:
    assert hidden_by(asking(*headers)) == hidden


@pytest.mark.parametrize(("uri", "expected"), [
    ("sip:anonymous@anonymous.invalid", True), ("sip:+861012345678@Anonymous.Invalid;user=phone", True),
    ("sip:x@anonymous.invalid.", True), ("sips:anonymous.invalid:5061", True),
    ("sip:x@anonymous.invalid.example", False),
    ("sip:x@anonymou\u017f.invalid", True),  # which is an s
    ("sip:x@not-anonymous.invalid", False), ("sip:anonymous@example.com", False), ("tel:+861012345678", False),
])  # fmt: skip
def test_who_names_the_host_anonymous_invalid_withholds(uri: str, *, expected: bool) -> None:
    assert withholds(uri) is expected

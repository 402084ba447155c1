"""Guests: a token for one phone opens that phone's page, and nothing else."""

from __future__ import annotations

import pytest

from simulator.stage.web.guests import guest_of, guest_token, may_ask


@pytest.mark.parametrize("name", ["alice", "alice.bob", "../bob", "爱丽丝", 'a"b;c=d', ""])
def test_a_token_names_its_phone(name: str) -> None:
    token = guest_token("secret", name)
    assert guest_of("secret", token) == name
    assert all(c.isalnum() or c in "-_." for c in token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "secret",
        guest_token("another secret", "alice"),
        guest_token("secret", "alice")[:-1],
        guest_token("secret", "bob").partition(".")[0] + "." + guest_token("secret", "alice").partition(".")[2],
        "\ud800.é",
        "a" * 5000,
    ],
)
def test_what_was_not_signed_names_nobody(token: str) -> None:
    assert guest_of("secret", token) is None


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("/phone/alice", True),
        ("/api/phones/alice", True),
        ("/api/phones/alice/line", True),
        ("/api/apps/alice", True),
        ("/static/handset.js", True),
        ("/phone/bob", False),
        ("/api/phones/bob", False),
        ("/api/phones/alice/../bob", False),
        ("/", False),
        ("/api/call", False),
        ("/api/state", False),
        ("/api/events", False),
        ("/api/app-list", False),
        ("/api/share", False),
        ("/api/sound/caller-call-1.wav", False),
        ("/static", False),
    ],
)
def test_a_guest_may_ask_for_what_the_page_of_the_phone_needs(path: str, may: bool) -> None:
    assert may_ask("alice", path) is may

"""Ways round the policy that a caller can write into a request; each was open once."""

from __future__ import annotations

import pytest

from tests.plays.dialogue import ABROAD, BARRED, DAUGHTER, INVITE, SHADY, STRANGER, SWITCH, play, request


@pytest.mark.parametrize(
    "uri",
    [
        f"sip:{BARRED}:phone-context@127.0.0.1",
        f"sip:{BARRED}@anonymous.invalid",
        f"sip:{BARRED[1:]}@ANONYMOUS.invalid",
        f"sip:{BARRED}%3Bphone-context@127.0.0.1",
    ],
)
def test_a_callee_is_known_however_the_switch_may_read_the_request_uri(uri: str) -> None:
    dialogue = play().receive(request("INVITE", uri=uri)).sends(603).sends_nothing()
    assert dialogue.records()[0]["caller"] == DAUGHTER


def test_a_subscriber_dialled_by_user_name_is_judged_all_the_same() -> None:
    play().receive(request("INVITE", uri="sip:barred@127.0.0.1")).sends(603, ABROAD)


def test_a_dialog_on_one_trunk_is_no_pass_for_another() -> None:
    dialogue = play().receive(INVITE).sends(100, ABROAD).sends("INVITE", SWITCH)
    route = [("Route", dialogue.forwarded.headers("record-route")[0])]
    dialogue.receive(request("INVITE", SHADY, to=BARRED, to_tag="x", branch="z9hG4bK-2", more=route), SHADY)
    dialogue.sends(603, SHADY)


def test_nobody_but_the_one_asked_answers() -> None:
    dialogue = play().receive(INVITE).sends(100, ABROAD).sends("INVITE", SWITCH)
    dialogue.answer(200, STRANGER).sends_nothing().answer(486).sends("ACK", SWITCH).sends(486, ABROAD)

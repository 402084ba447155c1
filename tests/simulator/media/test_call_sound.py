"""The sound of a call on a port of its own: what is described, and where its packets go."""

from __future__ import annotations

import pytest

from simulator.media.call_sound import CallSound
from simulator.media.sdp import NotAcceptable
from tests.plays.scripted_media import ScriptedPort

HERS, HIS = ("127.0.0.1", 20000), ("127.0.0.1", 20002)


def test_two_sides_that_agree_send_to_each_other() -> None:
    agreed: list[str] = []
    hers = CallSound(ScriptedPort(HERS), lambda: agreed.append("hers"))
    his = CallSound(ScriptedPort(HIS), lambda: agreed.append("his"))
    his.take_answer(hers.answer(his.offer()))
    assert agreed == ["hers", "his"]
    assert isinstance(hers.port, ScriptedPort)
    assert isinstance(his.port, ScriptedPort)
    assert hers.port.stream is not None
    assert his.port.stream is not None
    assert (hers.port.stream.address, his.port.stream.address) == (HIS, HERS)


def test_what_was_agreed_early_holds_for_an_answer_that_says_nothing() -> None:
    agreed: list[str] = []
    his = CallSound(ScriptedPort(HIS), lambda: agreed.append("his"))
    his.take_answer(CallSound(ScriptedPort(HERS)).answer(his.offer()))
    his.take_answer(b"")
    assert agreed == ["his"]


def test_who_offers_nothing_to_talk_by_is_told() -> None:
    for told in (CallSound(ScriptedPort(HIS)).answer, CallSound(ScriptedPort(HIS)).take_answer):
        with pytest.raises(NotAcceptable):
            told(b"")


def test_a_call_that_is_over_gives_its_port_back() -> None:
    port = ScriptedPort(HIS)
    CallSound(port).close()
    assert not port.open

"""Taps on ports of sound: each packet is told once."""

from __future__ import annotations

from simulator.agents.tap import Tap

PORT, OTHER, PHONE = (("127.0.0.1", port) for port in (40000, 40002, 50000))


def test_what_two_ports_of_ours_tell_each_other_is_heard_once_and_only_as_long_as_they_are_open() -> None:
    heard: list[float] = []
    tap = Tap(lambda *_: None, lambda at, *_: heard.append(at))
    for port in (PORT, OTHER):
        tap.put_on_media(port)
    tap.media_sent(1.0, b"\x80", PORT, OTHER)
    tap.media_received(1.1, b"\x80", PORT, OTHER)
    tap.media_received(2.0, b"\x80", PHONE, OTHER)
    tap.take_off_media(PORT)
    tap.media_received(3.0, b"\x80", PORT, OTHER)
    assert heard == [1.0, 2.0, 3.0]


def test_sound_is_no_message() -> None:
    heard: list[float] = []
    tap = Tap(lambda at, *_: heard.append(at))
    tap.media_sent(1.0, b"\x80\x00", PORT, PHONE)
    assert heard == []

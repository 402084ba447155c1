"""The hub: the whole state first, then what happens; and what it remembers of calls."""

from __future__ import annotations

import json
from typing import Any

from simulator.stage.events import Ended, Notice, Phone, Placed, Rule, Settings, Text, Traffic, name_of, to_json
from simulator.stage.hub import REMEMBERED, Hub
from simulator.stage.state import CALLS, IDLE, TEXTS, State, reduce


def state() -> State:
    alice = {"name": "alice", "number": "+1", "settings": {}, "phone": {**IDLE, "texts": ()}}
    rules = ({"name": "scam_list.exact", "mode": "enforce", "enforced": 0, "shadowed": 0, "title": {}},)
    return State("s", "CN", "cn", "embedded", subscribers=(alice, {**alice, "name": "bob"}), rules=rules)


def placed(name: str, at: float = 1.0) -> Placed:
    return Placed(at, {"id": name, "from": "+1", "to": "+2"})


def told(text: bytes) -> tuple[str, Any]:
    name, data = text.decode().rstrip("\n").split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_who_follows_gets_the_state_and_then_events_in_their_order() -> None:
    hub = Hub(state())
    hub.publish(placed("before"))
    with hub.follow() as follower:
        hub.publish(placed("after"))
        hub.publish(Ended(2.0, "after", "passed", 200, "caller"))
        hub.publish(placed("quiet"), told=False)

        (name, whole), *events = [told(text) for text in await follower.take()]
        assert (name, [each["id"] for each in whole["calls"]]) == ("state", ["before"])
        assert [name for name, _ in events] == ["placed", "ended"]
        assert not follower.ended
        hub.publish(placed("last"))
        hub.close()
        assert [told(text)[0] for text in await follower.take()] == ["placed"]
        assert follower.ended
    assert hub.followers == 0
    assert [each["id"] for each in hub.state.calls] == ["last", "quiet", "after", "before"]


async def test_after_the_end_who_comes_gets_the_state_and_is_let_go() -> None:
    hub = Hub(state())
    hub.close()
    with hub.follow() as follower:
        assert [told(text)[0] for text in await follower.take()] == ["state"]
        assert follower.ended


async def test_who_reads_nothing_for_long_is_let_go() -> None:
    hub = Hub(state())
    with hub.follow() as slow, hub.follow() as quick:
        for number in range(3000):
            hub.publish(placed(str(number)))
            assert await quick.take()
        assert slow.ended
        assert not quick.ended
        assert hub.followers == 1
        assert len(await slow.take()) == 2000


async def test_the_events_of_a_call_are_remembered_in_order_of_time() -> None:
    hub = Hub(state())
    hub.publish(placed("c", 1.0))
    hub.publish(Ended(3.0, "c", "passed", 200, "caller"))
    hub.publish(Phone(2.0, "alice", "ringing", "c", "+1", "", ""))

    assert [each["event"] for each in hub.events_of("c")] == ["placed", "phone", "ended"]
    assert hub.events_of("other") == []


async def test_a_call_was_placed_before_all_else_whatever_the_clock_of_who_tells_of_it() -> None:
    hub = Hub(state())
    hub.publish(placed("c", 2.0))
    hub.publish(Phone(1.5, "alice", "ringing", "c", "+1", "", ""))
    hub.publish(Ended(1.0, "c", "passed", 200, "caller"))

    assert [each["event"] for each in hub.events_of("c")] == ["placed", "ended", "phone"]


async def test_what_comes_of_a_call_that_was_never_placed_or_is_forgotten_is_not_remembered() -> None:
    hub = Hub(state())
    hub.publish(Phone(1.0, "alice", "ringing", "a softphone's", "+1", "", ""))
    hub.publish(placed("old", 1.0))
    for number in range(REMEMBERED):
        hub.publish(placed(str(number), 2.0))
    hub.publish(Ended(3.0, "old", "passed", 200, "caller"))

    assert hub.events_of("a softphone's") == []
    assert hub.events_of("old") == []
    assert hub.events_of("0")


async def test_calls_that_come_by_themselves_make_nobody_forget_one_that_was_placed() -> None:
    hub = Hub(state())
    hub.publish(placed("mine"))
    for number in range(REMEMBERED + 10):
        hub.publish(placed(f"t{number}"), passing=True)

    assert hub.events_of("mine")
    assert not hub.events_of("t0")
    assert hub.events_of("t20")


def test_the_state_lists_the_latest_calls_and_what_became_of_them() -> None:
    now = state()
    for number in range(CALLS + 5):
        now = reduce(now, placed(str(number)))
    now = reduce(now, Ended(2.0, "104", "blocked", 603, "proxy"))
    now = reduce(now, Ended(2.0, "0", "blocked", 603, "proxy"))  # is listed no more

    assert len(now.calls) == CALLS
    assert (now.calls[0]["id"], now.calls[0]["outcome"], now.calls[0]["final"]) == ("104", "blocked", 603)
    assert now.calls[1] == {"id": "103", "from": "+1", "to": "+2", "at": 1.0}


def test_a_phone_keeps_its_texts_while_it_rings() -> None:
    now = state()
    for number in range(TEXTS + 3):
        now = reduce(now, Text(1.0, "alice", "", "10086", str(number)))
    now = reduce(now, Phone(2.0, "alice", "ringing", "c", "+1", "name", "label"))

    alice, bob = now.subscribers
    assert alice["phone"]["state"] == "ringing"
    assert [each["body"] for each in alice["phone"]["texts"]][:2] == [str(TEXTS + 2), str(TEXTS + 1)]
    assert len(alice["phone"]["texts"]) == TEXTS
    assert bob["phone"] == {**IDLE, "texts": ()}


def test_settings_and_rules_are_replaced_and_others_stay() -> None:
    now = reduce(state(), Settings(1.0, "bob", {"notify": True}))
    now = reduce(now, Rule(1.0, "scam_list.exact", "shadow", 3, 4))
    now = reduce(now, Rule(1.0, "nothing", "off", 0, 0))

    assert [each["settings"] for each in now.subscribers] == [{}, {"notify": True}]
    assert now.rules == ({"name": "scam_list.exact", "mode": "shadow", "enforced": 3, "shadowed": 4, "title": {}},)


def test_what_changes_nothing_leaves_the_state_as_it_is() -> None:
    before = state()

    assert reduce(before, Notice(1.0, "info", {})) is before
    assert reduce(before, Traffic(1.0, {"rate": 1})).traffic == {"rate": 1}
    assert before.traffic == {}


def test_events_have_the_names_that_pages_know() -> None:
    event = Phone(1.0, "alice", "idle", "", "", "", "")

    assert name_of(event) == "phone"
    assert to_json(event)["subscriber"] == "alice"

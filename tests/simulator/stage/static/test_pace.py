"""The pace of the stage and its programme, as modules in a browser: pure, time is given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from simulator.stage.web.pages import STATIC
from tests.plays.browser import chromium

pytestmark = pytest.mark.browser

CALL = {"id": "one", "from": "+12025550143", "truth": "scam", "method": "INVITE"}
PLACED = {"event": "placed", "at": 0.0, "call": CALL}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of nothing but the modules."""
    with chromium() as browser:
        page = browser.new_page()
        page.route("**/static/*", lambda route: route.fulfill(path=STATIC / route.request.url.rpartition("/")[2]))
        page.route("http://stage.test/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        page.goto("http://stage.test/")
        yield page


def message(at: float, source: str, target: str, first_line: str, leg: str = "1", call: str = "one") -> dict[str, Any]:
    text = f"{first_line}\r\nCall-ID: {leg}\r\n\r\n"
    told = {"event": "message", "at": at, "call": call, "from": source, "to": target, "first_line": first_line}
    return {**told, "text": text}


def judged(at: float, action: str = "reject", call: str = "one") -> dict[str, Any]:
    return {"event": "judged", "at": at, "call": call, "action": action, "label": "", "trace": []}


REFUSED = [
    PLACED,
    message(0.001, "caller", "proxy", "INVITE sip:a SIP/2.0"),
    judged(0.002),
    message(0.003, "proxy", "caller", "SIP/2.0 603 Decline"),
    message(0.004, "caller", "proxy", "ACK sip:a SIP/2.0"),
    {"event": "ended", "at": 0.1, "call": "one", "outcome": "blocked", "status": 603, "by": "proxy"},
]


def paced(page: Page, script: str, events: list[dict[str, Any]], mode: str = "slow") -> Any:
    """The value of a script that has a `pace` with these events, and `passes(ms)`: the events that begin meanwhile."""
    return page.evaluate(
        f"""async () => {{
            const {{ Pace }} = await import("/static/pace.js");
            const pace = new Pace({json.dumps(mode)});
            for (const event of {json.dumps(events)}) pace.push(event);
            const name = ({{ event, first_line: line }}) => event === "message" ? line.split(" ", 2).join(" ") : event;
            const passes = (ms) => pace.pass(ms).map(name);
            {script}
        }}"""
    )


def test_in_slow_motion_each_event_has_its_time(page: Page) -> None:
    script = "return [passes(0), passes(499), passes(1), passes(900), passes(1999), passes(1)]"
    assert paced(page, script, REFUSED) == [["placed"], [], ["INVITE sip:a"], ["judged"], [], ["SIP/2.0 603"]]


def test_in_real_time_events_keep_their_gaps(page: Page) -> None:
    script = "passes(0); return [passes(2), passes(1), passes(1), passes(95), passes(2), pace.done]"
    began = paced(page, script, REFUSED, "real")
    assert began[:4] == [["INVITE sip:a", "judged"], ["SIP/2.0 603"], ["ACK sip:a"], []]
    assert began[4] == ["ended"]


@pytest.mark.parametrize("at", [-3600.0, 3600.0])
def test_in_real_time_a_verdict_waits_for_no_other_clock(page: Page, at: float) -> None:
    script = "passes(0); return [passes(3), passes(96)]"
    told = [*REFUSED[:2], judged(at), *REFUSED[3:]]
    assert paced(page, script, told, "real") == [["INVITE sip:a", "judged", "SIP/2.0 603"], ["ACK sip:a"]]


def test_step_by_step_nothing_happens_unasked(page: Page) -> None:
    script = """
        const all = [passes(0), passes(99999)];
        pace.step(); all.push(passes(0)); all.push(passes(99999));
        pace.step(); pace.step(); all.push(passes(16)); all.push(passes(99999));
        return all;
    """
    expected = [["placed"], [], ["INVITE sip:a"], [], ["judged", "SIP/2.0 603"], []]
    assert paced(page, script, REFUSED, "step") == expected


def test_a_pause_stops_the_clock_and_a_step_in_it_comes_to_its_end(page: Page) -> None:
    script = """
        passes(0); passes(500); passes(450);
        const half = pace.progress;
        pace.paused = true;
        const held = passes(99999);
        const still = pace.progress === half;
        pace.step();
        const stepped = passes(16);
        passes(3000);
        return [half, held, still, stepped, pace.progress, pace.paused, passes(99999)];
    """
    assert paced(page, script, REFUSED) == [0.5, [], True, ["judged"], 1, True, []]


def test_what_comes_late_does_not_begin_half_over(page: Page) -> None:
    script = """
        passes(0); passes(500); passes(60000);
        pace.push({ event: "judged", at: 60, call: "one" });
        return [passes(16), pace.progress];
    """
    assert paced(page, script, REFUSED[:2]) == [["judged"], 16 / 2000]


def test_the_verdict_stands_between_the_request_and_what_came_of_it_whatever_the_clocks_say(page: Page) -> None:
    invite, passed_on = REFUSED[1], message(0.003, "proxy", "softswitch", "INVITE sip:a SIP/2.0")
    trying = message(0.0045, "softswitch", "proxy", "SIP/2.0 100 Trying")
    for verdict in (judged(0.0001), judged(0.9)):
        for told in ([PLACED, invite, passed_on, trying, verdict], [PLACED, verdict, invite, passed_on, trying]):
            began = paced(page, "return pace.queue.map(name)", told)
            assert began == ["placed", "INVITE sip:a", "judged", "INVITE sip:a", "SIP/2.0 100"]


def programmed(page: Page, script: str) -> Any:
    """The value of a script that has a programme, `placed(id)`, `ends(id)`, and the calls asked for: `brought`."""
    return page.evaluate(
        f"""async () => {{
            const {{ Pace }} = await import("/static/pace.js");
            const {{ Programme }} = await import("/static/programme.js");
            const brought = [];
            const programme = new Programme(new Pace("real"), (call) => brought.push(call.id));
            const placed = (id) => programme.take({{ event: "placed", at: 0, call: {{ id }} }});
            const ends = (id) => programme.take({{ event: "ended", at: 0, call: id }});
            const on = () => programme.call?.id;
            {script}
        }}"""
    )


def test_a_call_is_shown_to_its_end_then_the_newest_of_those_that_came_meanwhile(page: Page) -> None:
    script = """
        placed("one"); programme.pass(1000);
        placed("two"); placed("three"); placed("four");
        programme.pass(1000);
        const before = on();
        ends("one"); programme.pass(1000); programme.pass(1000);
        return [before, on(), brought, programme.passed];
    """
    assert programmed(page, script) == ["one", "four", ["four"], 2]


def test_a_call_waits_its_turn_also_where_the_events_of_the_one_before_are_still_being_brought(page: Page) -> None:
    script = """
        placed("one"); programme.pass(1000); placed("two"); ends("one");
        programme.pass(1000); programme.pass(1000);
        const before = [on(), [...brought]];
        placed("three");
        const events = [{ event: "placed", at: 0, call: { id: "two" } }, { event: "ended", at: 0, call: "two" }];
        programme.replay({ id: "two" }, events, { live: true });
        const meanwhile = on();
        for (let n = 0; n < 4; n += 1) programme.pass(1000);
        return [before, meanwhile, on(), brought, programme.passed];
    """
    assert programmed(page, script) == [["two", ["two"]], "two", "three", ["two", "three"], 0]


def test_what_the_trainer_places_comes_at_once_whichever_is_heard_of_first(page: Page) -> None:
    script = """
        placed("one"); programme.want("two"); placed("two");
        const first = on();
        placed("three"); programme.want("three");
        return [first, on(), brought];
    """
    assert programmed(page, script) == ["two", "three", ["three"]]


def test_what_the_trainer_placed_comes_though_others_came_before_its_name_was_known(page: Page) -> None:
    script = """
        placed("one"); programme.pass(1000); placed("two"); placed("three");
        programme.want("two", { id: "two", at: 5 });
        return [on(), brought, programme.pace.queue];
    """
    shown = {"event": "placed", "at": 5, "call": {"id": "two", "at": 5}}
    assert programmed(page, script) == ["two", ["two"], [shown]]


def test_calls_that_were_placed_while_nothing_was_heard_come_what_the_trainer_placed_before_others(page: Page) -> None:
    script = """
        placed("one"); programme.pass(1000); programme.want("two");
        programme.missed([{ id: "four", at: 4 }, { id: "three", at: 3 }, { id: "two", at: 2 }]);
        const first = on();
        ends("two"); programme.pass(1000); programme.pass(1000); programme.pass(1000);
        return [first, on(), brought, programme.passed];
    """
    assert programmed(page, script) == ["two", "four", ["two", "four"], 1]


def test_what_was_told_of_a_call_is_not_shown_before_it_was_brought(page: Page) -> None:
    script = """
        placed("one"); placed("two"); ends("two"); programme.want("two");
        const known = programme.known("two"), before = programme.shown("two", known);
        programme.awaits();
        return [brought, known, before, programme.known("two")];
    """
    assert programmed(page, script) == [["two"], 2, False, 3]


def test_a_call_of_which_nothing_is_heard_any_more_makes_room(page: Page) -> None:
    script = """
        placed("one"); programme.pass(10); placed("two");
        programme.pass(3000);
        const before = on();
        programme.pass(3000); programme.pass(10);
        return [before, on()];
    """
    assert programmed(page, script) == ["one", "two"]


def test_a_replay_hears_nothing_of_what_happens_meanwhile(page: Page) -> None:
    script = """
        programme.replay({ id: "one" }, [{ event: "placed", at: 0, call: { id: "one" } }], { source: "a-run" });
        programme.take({ event: "judged", at: 1, call: "one" });
        const waiting = programme.pace.waiting;
        programme.pass(10); placed("two"); programme.pass(5000); programme.pass(10);
        return [waiting, programme.source, on()];
    """
    assert programmed(page, script) == [1, "", "two"]


def test_a_call_that_has_the_id_of_one_of_another_run_is_shown_after_its_replay(page: Page) -> None:
    script = """
        const replayed = [{ event: "placed", at: 0, call: { id: "one" } }];
        programme.replay({ id: "one" }, replayed, { source: "a-run" });
        const known = [programme.known("one"), programme.shown("one", 1)];
        programme.pass(10); programme.pass(5000); placed("one"); programme.pass(10);
        const heard = programme.source;
        programme.replay({ id: "two" }, replayed, { source: "a-run" });
        programme.want("two"); placed("two");
        const wanted = programme.source;
        programme.replay({ id: "three" }, replayed, { source: "a-run" });
        programme.missed([{ id: "three", at: 3 }]);
        programme.pass(10); programme.pass(5000); programme.pass(10);
        return [known, heard, wanted, programme.source, on()];
    """
    assert programmed(page, script) == [[0, True], "", "", "", "three"]


def test_who_waits_for_the_end_of_a_replay_does_so_still_when_it_begins_again(page: Page) -> None:
    script = """
        const events = [{ event: "placed", at: 0, call: { id: "one" } }];
        const again = () => programme.replay({ id: "one" }, events, { source: "a-run" });
        again(); programme.pass(10); placed("one"); again();
        programme.pass(10); programme.pass(5000); programme.pass(10);
        return [on(), programme.source, programme.passed];
    """
    assert programmed(page, script) == ["one", "", 0]


def test_the_call_that_is_shown_when_the_connection_was_lost_has_its_time_to_be_fetched(page: Page) -> None:
    script = """
        placed("one"); programme.pass(10); programme.pass(5000);
        programme.missed([{ id: "two", at: 2 }]); programme.pass(10);
        const before = on();
        ends("one"); programme.pass(10); programme.pass(1000); programme.pass(10);
        return [before, on()];
    """
    assert programmed(page, script) == ["one", "two"]


def test_an_event_that_was_fetched_and_is_told_a_moment_later_is_one(page: Page) -> None:
    script = """
        const sent = { event: "message", at: 1, call: "one", from: "caller", to: "proxy", text: "", first_line: "" };
        const told = () => ({ ...sent });
        programme.replay({ id: "one" }, [{ event: "placed", at: 0, call: { id: "one" } }, told()], { live: true });
        programme.take(told());
        programme.take({ ...told(), at: 1.5 });
        return [programme.known("one"), programme.pace.waiting];
    """
    assert programmed(page, script) == [3, 3]


def test_on_the_picture_the_leg_to_the_phone_goes_straight_from_the_softswitch(page: Page) -> None:
    events = [
        PLACED,
        message(0.1, "caller", "proxy", "INVITE sip:a SIP/2.0"),
        message(0.2, "softswitch", "proxy", "INVITE sip:a SIP/2.0", leg="2"),
        message(0.3, "proxy", "phone", "INVITE sip:a SIP/2.0", leg="2"),
        message(0.4, "phone", "proxy", "SIP/2.0 180 Ringing", leg="2"),
    ]
    ways = page.evaluate(
        f"""async () => {{
            const {{ EMPTY, after }} = await import("/static/scene.js");
            let scene = EMPTY;
            return {json.dumps(events)}.map((event) => {{
                scene = after(scene, event);
                return [scene.moving && [scene.moving.from, scene.moving.to], scene.reached];
            }});
        }}"""
    )
    assert ways == [
        [None, "caller"],
        [["caller", "proxy"], "proxy"],
        [None, "proxy"],
        [["softswitch", "phone"], "phone"],
        [["phone", "softswitch"], "phone"],
    ]


def test_a_verdict_that_is_told_late_stands_in_its_place_in_the_ladder(page: Page) -> None:
    placed, invite, verdict, decline, ack, _ = REFUSED
    names = page.evaluate(
        f"""async () => {{
            const {{ EMPTY, after }} = await import("/static/scene.js");
            const told = {json.dumps([placed, invite, decline, verdict, ack])}.reduce(after, EMPTY);
            return told.steps.map(({{ event, first_line }}) => first_line ?? event);
        }}"""
    )
    assert names == ["INVITE sip:a SIP/2.0", "judged", "SIP/2.0 603 Decline", "ACK sip:a SIP/2.0"]


def test_a_verdict_follows_the_request_that_was_not_challenged(page: Page) -> None:
    placed, invite, verdict, *rest = REFUSED
    challenged = [
        placed,
        invite,
        message(0.0011, "proxy", "caller", "SIP/2.0 407 Proxy Authentication Required"),
        message(0.0012, "caller", "proxy", "ACK sip:a SIP/2.0"),
        message(0.0013, "caller", "proxy", "INVITE sip:a SIP/2.0"),
        verdict,
        *rest,
    ]
    names = page.evaluate(
        f"""async () => {{
            const {{ ordered }} = await import("/static/pace.js");
            const told = {json.dumps(challenged)};
            return [told, told.toReversed()].map((each) => ordered(each).map(({{ event }}) => event).indexOf("judged"));
        }}"""
    )
    assert names == [5, 5]


def test_both_languages_have_all_words_and_none_that_nobody_says() -> None:
    books = [json.loads((STATIC / f"words.{language}.json").read_text()) for language in ("en", "zh")]
    assert set(books[0]) == set(books[1])
    own = [*STATIC.glob("*.js"), STATIC / "stage.html"]
    said = "\n".join(file.read_text() for file in own if not file.name.startswith(("handset", "apps")))
    for key in books[0]:
        family = key.rpartition(".")[0]
        assert f'"{key}"' in said or f"`{family}.${{" in said or f"{family.partition('.')[0]}.${{" in said, key
        assert [sorted(re.findall(r"\{\w+\}", book[key])) for book in books[:1]] == [
            sorted(re.findall(r"\{\w+\}", books[1][key]))
        ]


def test_a_call_that_is_shown_as_it_is_by_now_has_its_verdict_before_what_came_of_it(page: Page) -> None:
    placed, invite, verdict, *rest = REFUSED
    as_clocks_say = [placed, invite, rest[0], {**verdict, "at": 0.0035}, *rest[1:]]
    names = page.evaluate(
        f"""async () => {{
            const {{ ordered }} = await import("/static/pace.js");
            return ordered({json.dumps(as_clocks_say)}).map(({{ event, first_line }}) => first_line ?? event);
        }}"""
    )
    assert names[1:4] == ["INVITE sip:a SIP/2.0", "judged", "SIP/2.0 603 Decline"]

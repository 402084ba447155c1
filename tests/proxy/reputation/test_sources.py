"""The proxy's knowledge of its remote sources: how long answers are good, how many are kept, who is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from proxy.policy.remote import Lookup, Opinion, RemoteSource, Reputon
from proxy.reputation.sources import SourceDown, SourceFailed, Sources, SourceUp

DESK = RemoteSource("desk", "https://desk.example/{e164}", cache_seconds=60, cache_entries=3)
BAD = Opinion((Reputon("spam", 0.9),))
BROKEN = Opinion(failure="HTTP 500")


class Told:
    """Sources, and the events that they put."""

    def __init__(self) -> None:
        self.events: list[SourceFailed | SourceDown | SourceUp] = []
        sources = Sources(Counter(), self.events.append)
        self.about, self.begin, self.end, self.keep = sources.about, sources.begin, sources.end, sources.keep
        self.set_back = sources.set_back

    def hears(self, number: str, opinion: Opinion, at: float, source: RemoteSource = DESK) -> None:
        assert self.begin(Lookup(source, number), at) == ""
        self.end(Lookup(source, number), opinion, at)


def test_an_answer_is_good_as_long_as_it_is_kept() -> None:
    sources = Told()
    sources.hears("+1", BAD, 100.0)
    assert sources.about(Lookup(DESK, "+1"), 159.0) == BAD._replace(age=59.0)
    assert sources.about(Lookup(DESK, "+1"), 99.5) == BAD._replace(age=0.0)  # a call that came while it was asked
    assert sources.about(Lookup(DESK, "+1"), 160.0) is None
    assert sources.about(Lookup(DESK, "+2"), 100.0) is None
    assert sources.about(Lookup(replace(DESK, name="union"), "+1"), 100.0) is None


def test_a_source_may_shorten_that_and_not_lengthen_it() -> None:
    sources = Told()
    for number, expires in (("+1", 110.0), ("+2", 99.0), ("+3", 1e9)):
        sources.hears(number, BAD._replace(expires=expires), 100.0)
    good = {number: [sources.about(Lookup(DESK, number), at) is not None for at in (100.0, 111.0, 161.0)] for number in
            ("+1", "+2", "+3")}  # fmt: skip
    assert good == {"+1": [True, False, False], "+2": [False] * 3, "+3": [True, True, False]}


def test_the_oldest_answers_go_first() -> None:
    sources = Told()
    for number in ("+1", "+2", "+3", "+1", "+4"):  # of +1 there is a newer one
        sources.hears(number, BAD, 100.0)
    assert [sources.about(Lookup(DESK, f"+{n}"), 100.0) is not None for n in range(1, 5)] == [True, False, True, True]


def test_failures_are_not_remembered_and_with_no_entries_nothing_is() -> None:
    sources = Told()
    sources.hears("+1", BROKEN, 100.0)
    assert sources.about(Lookup(DESK, "+1"), 100.0) is None
    none = replace(DESK, cache_entries=0)
    sources.hears("+1", BAD, 100.0, none)
    assert sources.about(Lookup(none, "+1"), 100.0) is None


def test_questions_that_were_open_when_a_source_went_down_put_nothing_off() -> None:
    sources = Told()
    weak = replace(DESK, breaker_failures=1, breaker_seconds=10)
    lookups = [Lookup(weak, f"+{n}") for n in range(1, 4)]
    for lookup in lookups:
        sources.begin(lookup, 100.0)
    for lookup, at in zip(lookups, (100.0, 105.0, 109.0), strict=True):
        sources.end(lookup, BROKEN, at)
    assert [event for event in sources.events if isinstance(event, SourceDown)] == [SourceDown("desk", "HTTP 500")]
    assert sources.begin(lookups[0], 109.9) == "is down"
    assert sources.begin(lookups[0], 110.0) == ""


def test_a_source_that_wants_to_be_left_alone_is_at_once_and_as_long_as_it_says() -> None:
    sources = Told()
    patient = replace(DESK, breaker_seconds=10)
    for said, alone in ((120.0, 120.0), (3.0, 10.0)):
        busy = Opinion(failure="HTTP 429", leave_alone=said)
        sources.hears("+1", busy, 1000.0, patient)
        assert sources.events[-1] == SourceDown("desk", "HTTP 429")
        assert sources.begin(Lookup(patient, "+2"), 999.9 + alone) == "is down"
        sources.hears("+2", busy, 1000.0 + alone, patient)  # the one that goes out to see
        assert sources.begin(Lookup(patient, "+3"), 999.9 + 2 * alone) == "is down"
        sources.hears("+3", BAD, 1000.0 + 2 * alone, patient)


def test_a_source_is_left_alone_as_long_as_any_of_its_answers_says() -> None:
    sources = Told()
    lookups = [Lookup(replace(DESK, breaker_seconds=10), f"+{n}") for n in range(1, 6)]
    for lookup in lookups[:4]:  # all are open when the first answer comes
        sources.begin(lookup, 1000.0)
    for lookup, said in zip(lookups, (20.0, 300.0, 0.0), strict=False):
        sources.end(lookup, Opinion(failure="HTTP 429", leave_alone=said), 1000.0)
    sources.end(lookups[3], BAD, 1001.0)  # asked before it wanted that
    assert sources.about(lookups[3], 1002.0) is not None
    assert sources.begin(lookups[4], 1299.9) == "is down"
    assert sources.begin(lookups[4], 1300.0) == ""
    sources.end(lookups[4], BAD, 1300.5)
    assert [type(event) for event in sources.events if not isinstance(event, SourceFailed)] == [SourceDown, SourceUp]
    assert sources.begin(lookups[0], 1301.0) == sources.begin(lookups[1], 1301.0) == ""


def test_an_answer_to_an_older_question_brings_a_source_back() -> None:
    sources = Told()
    weak = replace(DESK, breaker_failures=1)
    for n in (1, 2):
        sources.begin(Lookup(weak, f"+{n}"), 100.0)
    sources.end(Lookup(weak, "+1"), BROKEN, 101.0)
    sources.end(Lookup(weak, "+2"), BAD, 103.0)
    assert sources.events[-1] == SourceUp("desk", 2.0, 0)
    assert sources.begin(Lookup(weak, "+3"), 103.0) == ""


def test_what_is_configured_no_more_is_forgotten_once_nothing_of_it_is_open() -> None:
    sources = Told()
    sources.hears("+1", BAD, 100.0)
    sources.begin(Lookup(DESK, "+2"), 100.0)
    sources.keep(())
    assert sources.about(Lookup(DESK, "+1"), 100.0) is not None
    sources.end(Lookup(DESK, "+2"), BAD, 100.0)
    sources.keep(())
    assert sources.about(Lookup(DESK, "+1"), 100.0) is None


def test_where_the_clock_is_set_back_nothing_is_good_for_longer_and_nobody_is_left_alone_for_longer() -> None:
    sources, union = Told(), replace(DESK, name="union", breaker_failures=1, breaker_seconds=30)
    sources.hears("+1", BAD, 10_000.0)
    sources.hears("+1", BROKEN, 10_000.0, union)
    sources.set_back(3600.0)
    good = [sources.about(Lookup(DESK, "+1"), at) for at in (6_410.0, 6_459.0, 6_461.0)]
    assert good == [BAD._replace(age=10.0), BAD._replace(age=59.0), None]
    assert [sources.begin(Lookup(union, "+1"), at) != "" for at in (6_429.0, 6_431.0)] == [True, False]
    sources.end(Lookup(union, "+1"), BAD, 6_432.0)
    assert sources.events[-1] == SourceUp("union", 32.0, 1)

"""Metrics of a core in dialogues: what is counted, and as what."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.core.events import Judged, Shadowed
from proxy.core.questions import Ask
from proxy.observability.metrics import DataFile, Histogram, Looks, Metrics
from proxy.policy.verdict import Step
from tests.plays.consulted import BAD, BROKEN, DESK, policy
from tests.plays.dialogue import BARRED, INVITE, STRANGER, SWITCH, Play, new_core, new_policy, play, request, taken


class Watched:
    """A dialogue with a proxy whose events are counted."""

    def __init__(self, **modes: Any) -> None:
        core = new_core()
        core.policy = new_policy(**modes)
        self.on: Play = play(core)
        self.metrics = Metrics(core, "1.2.3")

    def samples(self) -> dict[str, float]:
        """The samples as they are written down, without buckets and what tells of the process."""
        for event in self.on.events():
            if type(event) in Metrics.hears:
                self.metrics(event)
        families = text_string_to_metric_families(self.metrics.text().decode())
        samples = [sample for family in families for sample in family.samples]
        return {
            name.removeprefix("ringfence_") + "".join(f" {labels[label]}" for label in sorted(labels)): value
            for name, labels, value, *_ in samples
            if name.startswith("ringfence_") and not name.endswith("_bucket")
        }


def test_a_call_from_its_verdict_to_its_end() -> None:
    lab = Watched()
    lab.on.receive(INVITE).sends(100).sends("INVITE", SWITCH)
    during = lab.samples()
    assert during["verdicts_total allow INVITE enforce default.allow international"] == 1
    assert (during["pending_requests"], during["calls"], during["forwarded_total"]) == (1, 0, 1)
    lab.on.answer(200).sends(200)
    answered = lab.samples()
    assert (answered["pending_requests"], answered["calls"], answered["finals_total INVITE 200"]) == (0, 1, 1)
    lab.on.receive(request("BYE", to_tag="callee", cseq=2, branch="z9hG4bK-2")).sends("BYE", SWITCH)
    lab.on.answer(200).sends(200)
    over = lab.samples()
    assert (over["calls"], over["calls_over_total caller"]) == (0, 1)
    assert over["decision_seconds_count"] == 1


def test_a_refused_call_is_over_and_one_that_a_shadowed_rule_would_refuse_goes_on() -> None:
    lab = Watched()
    lab.on.receive(request("INVITE", to=BARRED)).sends(603)
    seen = lab.samples()
    assert seen["verdicts_total reject INVITE enforce barring.incoming_international international"] == 1
    assert (seen["calls_over_total proxy"], seen["finals_total INVITE 603"], seen["calls"]) == (1, 1, 0)
    shadowed = Watched(barring__incoming_international="shadow")
    shadowed.on.receive(request("INVITE", to=BARRED)).sends(100).sends("INVITE", SWITCH)
    seen = shadowed.samples()
    assert seen["verdicts_total reject INVITE shadow barring.incoming_international international"] == 1
    assert seen["verdicts_total allow INVITE enforce default.allow international"] == 1


def test_a_shadowed_rule_that_had_to_ask_counts_when_it_hears() -> None:
    lab = Watched()
    lab.on.receive(INVITE).forget_sent()
    [judged] = [event for event in lab.on.events() if isinstance(event, Judged)]
    lab.metrics(judged._replace(waited=0.03))
    lab.metrics(Shadowed("call-1", 1.8e9, Step("reputation.remote", "shadow", "reject", "listed")))
    seen = lab.samples()
    assert (seen["waited_seconds_count"], seen["waited_seconds_sum"]) == (1, 0.03)
    assert seen["late_shadow_verdicts_total reject reputation.remote"] == 1


def test_remote_sources_and_what_is_asked_of_them() -> None:
    lab = Watched()
    lab.on.core.policy = policy(replace(DESK, breaker_failures=1))
    lab.on.receive(INVITE).forget_sent()
    (ask,) = taken(lab.on.core, Ask)
    seen = lab.samples()
    assert (seen["reputation_source_up desk"], seen["reputation_lookups_total asked"]) == (1, 1)
    lab.on.core.resolved(ask, BROKEN, lab.on.now)
    lab.on.forget_sent().receive(request("INVITE", branch="z9hG4bK-2", call_id="call-2")).forget_sent()
    seen = lab.samples()
    assert (seen["reputation_source_up desk"], seen["reputation_lookups_total failed"]) == (0, 1)
    assert (seen["reputation_lookups_total asked"], seen["reputation_lookups_total unasked"]) == (1, 1)


def test_what_is_asked_in_shadow_mode_counts_once_it_is_answered() -> None:
    lab = Watched()
    lab.on.core.policy = policy(DESK, mode="shadow")
    lab.on.receive(INVITE).forget_sent()
    (ask,) = taken(lab.on.core, Ask)
    assert not [name for name in lab.samples() if "reputation.remote" in name]
    lab.on.core.resolved(ask, BAD, lab.on.now)
    assert lab.samples()["late_shadow_verdicts_total reject reputation.remote"] == 1


def test_what_the_proxy_answers_by_itself_and_lets_go() -> None:
    lab = Watched()
    lab.on.receive(request("OPTIONS", STRANGER), STRANGER).sends(403, STRANGER)
    lab.on.receive(request("REGISTER")).sends(403)
    lab.on.receive(b"SIP/2.0 200 OK\r\n\r\n", SWITCH)
    seen = lab.samples()
    assert seen["drops_total unknown_source"] == seen["peer_faults_total unknown_source"] == 1
    assert seen["own_responses_total 403"] == 1
    assert seen["drops_total unreadable_response"] == 1


def test_a_proxy_that_has_done_nothing_has_all_of_its_state() -> None:
    seen = Watched().samples()
    assert seen["softswitch_up"] == seen["worker_state ready"] == 1
    assert seen["worker_state draining"] == seen["reloads_total failed"] == seen["calls"] == 0
    assert [name for name in seen if name.startswith("build_info 3.") and name.endswith(" 1.2.3")]


def test_files_have_their_size_and_time_where_it_is_known() -> None:
    lab = Watched()
    files = (DataFile("a.csv", "scam_list", 3, 1.8e9, kept=False), DataFile("b.csv", "scam_list", 0, None, kept=True))
    lab.metrics.looks = Looks(lambda: 7, lambda: 2, lambda: files, lambda: 1.9e9)
    seen = lab.samples()
    assert (seen["connections"], seen["drops_total receive_buffer_full"]) == (7, 2)
    assert seen["loaded_timestamp_seconds"] == 1.9e9
    assert (seen["entries a.csv scam_list"], seen["modified_timestamp_seconds a.csv scam_list"]) == (3, 1.8e9)
    assert (seen["kept a.csv scam_list"], seen["kept b.csv scam_list"]) == (0, 1)
    assert "modified_timestamp_seconds b.csv scam_list" not in seen


@pytest.mark.parametrize(
    ("value", "counts"), [(0.0, [1, 1, 1]), (1.0, [1, 1, 1]), (1.5, [0, 1, 1]), (2.0, [0, 1, 1]), (9.0, [0, 0, 1])]
)
def test_a_bucket_includes_its_upper_bound(value: float, counts: list[float]) -> None:
    histogram = Histogram((1.0, 2.0))
    histogram.observe(value)
    assert histogram.buckets() == [("1.0", counts[0]), ("2.0", counts[1]), ("+Inf", counts[2])]
    assert histogram.sum == value


def test_a_scrape_leaves_no_reference_cycles() -> None:
    """The proxy runs with the collector off while there are calls."""
    lab = Watched()
    lab.on.receive(INVITE).forget_sent()
    lab.samples()
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            lab.metrics.text()
        assert gc.collect() == 0
    finally:
        gc.enable()

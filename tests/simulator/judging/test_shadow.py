"""Rules in shadow mode: their matches are counted, and scored as if they had been enforced."""

from __future__ import annotations

from dataclasses import replace

from simulator.judging.accuracy import Confusion
from simulator.judging.figures import Figures
from simulator.judging.observation import CallObservation
from simulator.judging.shadow import shadowed
from tests.plays.observed import call, changed


def seen(truth: str, shadow: dict[str, str], *, blocked: bool = False) -> CallObservation:
    """A call that rules in shadow mode said something about."""
    played = call(truth=truth, blocked=blocked)
    assert played.proxy_wrote is not None
    return changed(played, proxy_wrote=replace(played.proxy_wrote, shadow=tuple(shadow.items())))


CALLS = [
    *[seen("scam", {"scam_list.exact": "reject"})] * 3,
    *[seen("scam", {"scam_list.exact": "no_match"})] * 2,
    *[seen("scam", {"scam_list.exact": "reject"}, blocked=True)] * 4,
    seen("legit", {"scam_list.exact": "reject"}),
    *[seen("legit", {"scam_list.exact": "no_match"})] * 9,
    seen("unknown", {"scam_list.exact": "reject"}),
]


def test_without_shadowed_rules_there_is_nothing_to_tell() -> None:
    assert shadowed([call(), call(truth="legit", blocked=False)]) == {}
    assert not any(key.startswith("shadow.") for key in Figures((call(),), {}).metrics)


def test_a_shadowed_rule_is_scored_as_if_it_had_been_enforced() -> None:
    (rule,) = shadowed(CALLS).values()
    assert (rule.asked, rule.matched, rule.would_stop_scam, rule.would_stop_legit) == (20, 9, 3, 1)
    assert rule.was == Confusion(4, 5, 0, 10, 0, 1)
    assert rule.enforced == Confusion(7, 2, 1, 9, 0, 1)


def test_its_figures_stand_beside_those_of_what_was_done() -> None:
    metrics = Figures(
        tuple(replace(each, planned=replace(each.planned, id=str(n))) for n, each in enumerate(CALLS)), {}
    )
    flat = metrics.metrics
    assert (flat["scam_recall"], flat["shadow.scam_list.exact.scam_recall"]) == (4 / 9, 7 / 9)
    assert (flat["shadow.scam_list.exact.would_stop_legit"], flat["shadow.scam_list.exact.false_block_rate"]) == (
        1,
        0.1,
    )
    assert "shadow.scam_list.exact.scam_recall.lower95" in flat


def test_a_rule_that_lets_through_takes_calls_from_those_after_it() -> None:
    (rule,) = shadowed([seen("legit", {"subscriber.allow": "allow"}, blocked=True)]).values()
    assert (rule.would_pass_legit, rule.enforced) == (1, Confusion(legit_passed=1))


def test_a_label_would_not_have_kept_the_phone_from_ringing() -> None:
    (rule,) = shadowed([seen("scam", {"scam_list.exact": "label"})]).values()
    assert (rule.matched, rule.would_stop_scam, rule.enforced) == (1, 0, Confusion(scam_passed=1))


def test_all_of_them_together_let_the_first_decide() -> None:
    both = {"subscriber.allow": "allow", "scam_list.exact": "reject"}
    found = shadowed([seen("scam", both), seen("scam", {"subscriber.allow": "no_match", "scam_list.exact": "reject"})])
    assert list(found) == ["scam_list.exact", "subscriber.allow", "all"]
    assert found["scam_list.exact"].enforced == Confusion(scam_blocked=2)
    assert found["all"].enforced == Confusion(scam_blocked=1, scam_passed=1)

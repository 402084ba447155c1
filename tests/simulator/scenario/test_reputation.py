"""`reputation:` of a scenario: the sources that a lab plays, and their opinions without asking anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from proxy.policy.remote import Lookup, Opinion, Reputon
from simulator.scenario.model import Scenario, load_scenarios
from simulator.scenario.reputation import Canned, LabSource

SCENARIO = """\
scenario: s
subscribers: {alice: {number: "+8613800138001"}}
reputation: {desk: {%s}}
calls: [{call: a, trunk: international, from: "+23224123456", to: alice, truth: scam}]
"""


def scenario(folder: Path, source: str) -> Scenario:
    (folder / "s.yaml").write_text(SCENARIO % source)
    ((read, _),) = load_scenarios([folder / "s.yaml"])
    return read


def about(source: LabSource, number: str) -> Opinion | None:
    return Canned({"desk": source}).about(Lookup(source.source_at("desk", ""), number), 0.0)


def test_of_patterns_that_fit_the_longest_counts_and_of_others_nothing_is_known(tmp_path: Path) -> None:
    rates = 'rates: {"+232*": {spam: 0.1}, "+23224123456": {fraud: 0.9, spam: 0.4}, "+23224*": {spam: 0.8}}'
    desk = scenario(tmp_path, rates).reputation["desk"]
    assert about(desk, "+23224123456") == Opinion((Reputon("fraud", 0.9), Reputon("spam", 0.4)))
    assert about(desk, "+23224999999") == Opinion((Reputon("spam", 0.8),))
    assert about(desk, "+23299999999") == Opinion((Reputon("spam", 0.1),))
    assert about(desk, "+6591234567") == Opinion()
    assert Canned({}).about(Lookup(desk.source_at("desk", ""), "+6591234567"), 0.0) is None


@pytest.mark.parametrize("source", ["behaves: never", "behaves: error", "behaves: closed", "delay: 300ms"])
def test_a_source_that_gives_no_answer_in_time_has_failed(tmp_path: Path, source: str) -> None:
    opinion = about(scenario(tmp_path, source).reputation["desk"], "+23224123456")
    assert opinion is not None
    assert opinion.failure


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('rates: {"0232*": {spam: 1}}', 'found "0232*", expected'),
        ('rates: {"+232*": {spam: 2}}', 'found "2", expected'),
        ("delay: 3", 'found "3", expected a duration'),
        ("behaves: badly", 'found "badly", expected "answers", "never", "error" or "closed"'),
        ('url: "http://127.0.0.1/{e164}"', 'found unknown key "url"'),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, source: str, told: str) -> None:
    with pytest.raises(FileErrors) as raised:
        scenario(tmp_path, source)
    assert "s.yaml:3:" in str(raised.value)
    assert told in str(raised.value)

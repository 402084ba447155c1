"""Recorded calls that are decided again, without the rule that decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.config.models import load_config
from proxy.counterfactual import Counterfactual, Reconsidering
from proxy.explain import explain
from tests.plays.explaining import CONFIG, INVITE, LIST, SUBSCRIBERS

NOON = "2026-03-01T12:00:00.000000Z"
AT = 1_772_366_400.0
BARRED = "barring.incoming_international"
DAUGHTER, STRANGER = "+6591234567", "+6591234568"
ALICE, BOB = "+8613800138001", "+8613800138002"


class Files:
    """The files that a run left, and what the proxy wrote of calls that it judged by them."""

    def __init__(self, folder: Path, config: str = CONFIG, subscribers: str = SUBSCRIBERS) -> None:
        self.folder = folder
        self.write(config, subscribers)

    def write(self, config: str = CONFIG, subscribers: str = SUBSCRIBERS) -> None:
        (self.folder / "proxy.yaml").write_text(config, encoding="utf-8")
        (self.folder / "subscribers.yaml").write_text(subscribers, encoding="utf-8")
        (self.folder / "list.csv").write_text(LIST, encoding="utf-8")

    def judged(
        self, caller: str, callee: str = ALICE, trunk: str = "international", user: str | None = None, headers: str = ""
    ) -> tuple[dict[str, Any], bytes]:
        text = INVITE.format(caller=caller, callee=callee).replace("\n\n", f"\n{headers}\n")
        data = text.replace("\n", "\r\n").encode()
        told = explain(load_config(self.folder / "proxy.yaml"), trunk, data, AT, user)
        record = {
            "timestamp": NOON,
            "call_id": "1",
            "method": "INVITE",
            "trunk": trunk,
            "caller": caller,
            "action": told["action"],
            "status": told["status"],
            "rule": told["rule"],
            "trace": [[step["rule"], step["mode"], step["outcome"], step["detail"]] for step in told["trace"]],
        }
        return record, data

    def without_its_rule(self, record: dict[str, Any], *requests: bytes) -> Counterfactual | None:
        return Reconsidering(load_config(self.folder / "proxy.yaml")).without_its_rule(record, requests)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_barred_call_would_have_rung_without_barring(files: Files) -> None:
    record, invite = files.judged(STRANGER)
    found = files.without_its_rule(record, invite)
    assert found is not None
    assert (found.rule, found.action, found.by, found.unknown) == (BARRED, "label", "default.allow", "")


def test_the_daughter_would_have_been_refused_without_the_allow_list(files: Files) -> None:
    record, invite = files.judged(DAUGHTER)
    found = files.without_its_rule(record, invite)
    assert found is not None
    assert (found.rule, found.action, found.status, found.by) == ("subscriber.allow", "reject", 603, BARRED)


def test_a_call_that_no_rule_spoke_about_has_no_counterfactual(files: Files) -> None:
    record, invite = files.judged("+8613900139009", trunk="phones")
    assert record["rule"] == "default.allow"
    assert files.without_its_rule(record, invite) is None


def test_who_proved_to_be_calling_is_judged_again_as_that_one(files: Files) -> None:
    _, challenged = files.judged(BOB, "+6591234567", "desks", "bob")
    record, proven = files.judged(BOB, "+6591234567", "desks", "bob", "Authorization: Digest username=bob\n")
    found = files.without_its_rule(record, challenged, proven)
    assert found is not None
    assert (found.rule, found.action, found.by) == ("barring.outgoing_international", "allow", "default.allow")


def test_the_next_rule_on_a_list_decides(files: Files) -> None:
    record, invite = files.judged("+23224000001")
    found = files.without_its_rule(record, invite)
    assert found is not None
    assert (found.action, found.status, found.by) == ("reject", 603, "scam_list.prefix")


def test_nothing_is_guessed_where_the_files_lead_elsewhere_by_now(files: Files) -> None:
    record, invite = files.judged(STRANGER)
    files.write(subscribers=SUBSCRIBERS.replace("incoming_international: on", "incoming_international: off"))
    found = files.without_its_rule(record, invite)
    assert found == Counterfactual(BARRED, unknown="its files no longer lead to what the proxy decided")


def test_a_call_without_its_request_is_not_told_about(files: Files) -> None:
    record, invite = files.judged(STRANGER)
    within_the_dialog = invite.replace(b"To: <sip:", b"To: <sip:x@y>;tag=1\r\nX: <sip:")
    for requests in ((), (within_the_dialog,)):
        found = files.without_its_rule(record, *requests)
        assert found == Counterfactual(BARRED, unknown="the request was not recorded")


def test_a_rule_that_is_always_on_cannot_be_thought_away(files: Files) -> None:
    record, invite = files.judged(STRANGER)
    always = "spoofed.subscriber_number"
    found = files.without_its_rule(record | {"rule": always}, invite)
    assert found == Counterfactual(always, unknown="it is always enforced")


def test_an_order_was_decided_by_no_rule(files: Files) -> None:
    record, invite = files.judged(STRANGER)
    assert files.without_its_rule(record | {"rule": "self_service"}, invite) is None


@pytest.mark.parametrize(
    ("caller", "callee", "trunk", "refused"),
    [
        (STRANGER, BOB, "international", True),  # who bars nothing
        (STRANGER, ALICE, "international", False),  # who bars it already
        (DAUGHTER, ALICE, "international", False),  # who is on a list
        (ALICE, BOB, "phones", False),  # no call from abroad
        (STRANGER, "+8613900139999", "international", False),  # to nobody of ours
    ],
)
def test_barring_would_have_stopped_a_call_from_abroad_that_nothing_spoke_against(
    files: Files, caller: str, callee: str, trunk: str, refused: bool
) -> None:
    record, request = files.judged(caller, callee, trunk)
    deciding = Reconsidering(load_config(files.folder / "proxy.yaml"))

    assert deciding.refused_if_barred(record, [request]) is refused


def test_what_was_not_recorded_is_not_said_to_be_barred(files: Files) -> None:
    record, _ = files.judged(STRANGER, BOB)
    deciding = Reconsidering(load_config(files.folder / "proxy.yaml"))

    assert not deciding.refused_if_barred(record, [])
    assert not deciding.refused_if_barred(record, [b"INVITE sip:x SIP/2.0\r\n\r\n"])

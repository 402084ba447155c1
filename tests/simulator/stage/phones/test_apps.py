"""Apps on phones: what is reported, what is warned of, and what is forgotten."""

from __future__ import annotations

import pytest

from simulator.stage.phones.apps import LONGEST, MOST, ON_THE_LIST, Apps, WrongApps, offered


def test_a_phone_that_reports_nothing_is_warned_of_nothing() -> None:
    apps = Apps()
    assert apps.to_json("alice") == {"reported": None, "warnings": []}


def test_a_listed_app_is_warned_of_however_its_name_is_written() -> None:
    apps = Apps()
    apps.report("alice", ["Weather", "safedesk REMOTE", "Weather"], 5.0)
    assert apps.to_json("alice") == {
        "reported": {"at": 5.0, "apps": ["Weather", "safedesk REMOTE"]},
        "warnings": [{"name": "SafeDesk Remote", "why": "remote_control"}],
    }
    assert apps.to_json("bob")["warnings"] == []


def test_what_a_phone_reported_is_forgotten_when_its_owner_switches_it_off() -> None:
    apps = Apps()
    apps.report("alice", ["SafeDesk Remote"], 5.0)
    apps.forget("alice")
    apps.forget("alice")
    assert apps.reported("alice") is None
    assert apps.warnings("alice") == []


def test_only_the_latest_report_is_kept() -> None:
    apps = Apps()
    apps.report("alice", ["SafeDesk Remote"], 5.0)
    apps.report("alice", ["Weather"], 6.0)
    assert apps.warnings("alice") == []


def test_the_list_is_what_the_trainer_makes_of_it() -> None:
    apps = Apps()
    apps.report("alice", ["Weather", "SafeDesk Remote"], 5.0)
    apps.change_list([{"name": " Weather ", "why": "other"}, {"name": "WEATHER", "why": "loan"}])
    assert [(each.name, each.why) for each in apps.warnings("alice")] == [("WEATHER", "loan")]
    apps.change_list([])
    assert apps.warnings("alice") == []


def test_apps_are_added_to_the_list_and_dropped_from_it_as_it_is() -> None:
    apps = Apps()
    apps.change_list({"add": [{"name": "Weather", "why": "other"}], "drop": ["safedesk REMOTE", "no such app"]})
    apps.change_list({"drop": ["Speedy Loan Pro"]})
    apps.change_list({"add": [{"name": "WEATHER", "why": "loan"}]})
    assert [(each.name, each.why) for each in apps.listed[2:]] == [("WEATHER", "loan")]
    assert [each.name for each in apps.listed[:2]] == ["Harbour Bank Mobile+", "e-Police Verify"]


def test_a_made_up_phone_may_have_all_that_is_listed() -> None:
    assert set(offered(ON_THE_LIST)) > {each.name for each in ON_THE_LIST}


@pytest.mark.parametrize("apps", [None, "Weather", {}, [1], [""], [" "], ["x" * (LONGEST + 1)], ["x"] * (MOST + 1)])
def test_what_is_no_list_of_apps_is_refused(apps: object) -> None:
    with pytest.raises(WrongApps, match="expected"):
        Apps().report("alice", apps, 5.0)


@pytest.mark.parametrize(
    "apps",
    [
        None,
        ["Weather"],
        [{"name": "Weather"}],
        [{"name": "Weather", "why": "because"}],
        [{"name": "Weather", "why": ["other"]}],
        [{"name": 1, "why": "other"}],
        [{"name": "Weather", "why": "other", "more": 1}],
        [{"name": str(number), "why": "other"} for number in range(MOST + 1)],
        {"add": [{"name": str(number), "why": "other"} for number in range(MOST)]},
        {"add": {"name": "Weather", "why": "other"}},
        {"drop": "Weather"},
        {"drop": [None]},
        {"remove": ["Weather"]},
    ],
)
def test_what_is_no_list_of_the_trainers_is_refused_and_the_old_one_stays(apps: object) -> None:
    kept = Apps()
    with pytest.raises(WrongApps, match="expected"):
        kept.change_list(apps)
    assert kept.listed == ON_THE_LIST

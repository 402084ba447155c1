"""`ringfence subscribers`: simservs documents out and in, and codes unlocked."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import Change
from simulator.__main__ import main
from tests.plays import ROOT

ALICE = "+8613800138001"
CONFIG = "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\nsubscribers: subscribers.yaml\n"
SUBSCRIBERS = 'subscribers: [{number: "+8613800138001", pin: "2580", allow: ["+6591234567"]}]\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "subscribers.yaml").write_text(SUBSCRIBERS)
    (tmp_path / "proxy.yaml").write_text(CONFIG)
    return tmp_path / "proxy.yaml"


def test_a_document_that_was_exported_and_edited_is_imported(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["subscribers", "export", "--simservs", ALICE, "--config", str(config)]) == 0
    document = capsys.readouterr().out
    edited = config.with_name("alice.xml")
    edited.write_text(document.replace("<rule-deactivated/><rf:from-abroad/>", "<rf:from-abroad/>"))
    taken = ["subscribers", "import", "--simservs", ALICE, "--config", str(config), str(edited)]
    assert main(taken) == 0
    assert "changed incoming_international" in capsys.readouterr().out
    assert main(taken) == 0
    assert "changed nothing" in capsys.readouterr().out
    store = ChangeStore(str(config.with_name("subscribers.yaml")))
    assert store.load() == [Change(ALICE, "incoming_international", True)]


def test_a_document_about_outgoing_calls_alone_leaves_the_numbers_let_through(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["subscribers", "export", "--simservs", ALICE, "--config", str(config)]) == 0
    before, outgoing = capsys.readouterr().out.split("  <outgoing-communication-barring")
    rule, name = '<cp:rule id="r"><cp:conditions>', '<cp:one id="tel:+6591234567"/>'
    assert name in before
    lets_through = (
        f"{rule}<cp:identity>{name}</cp:identity></cp:conditions><cp:actions><allow>true</allow></cp:actions>"
    )
    outgoing = outgoing.replace("<cp:ruleset>", f"<cp:ruleset>{lets_through}</cp:rule>")
    alone = config.with_name("outgoing.xml")
    opening = before[: before.index("  <incoming")]
    alone.write_text(
        f"{opening}<outgoing-communication-barring{outgoing}".replace("<rule-deactivated/><inter", "<inter")
    )
    assert main(["subscribers", "import", "--simservs", ALICE, "--config", str(config), str(alone)]) == 0
    assert "changed outgoing_international;" in capsys.readouterr().out


def test_what_is_left_out_of_an_operators_document_is_said_and_the_rest_is_taken(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = ROOT / "tests" / "proxy" / "subscribers" / "simservs" / "simservs_of_an_operator.xml"
    active = config.with_name("operator.xml")
    active.write_text(document.read_text().replace("<ss:rule-deactivated/><ss:roaming/>", "<ss:roaming/>"))
    assert main(["subscribers", "import", "--simservs", ALICE, "--config", str(config), str(active)]) == 0
    told = capsys.readouterr()
    assert "changed incoming_when_roaming, allow;" in told.out
    assert f"{active}:14:3: left out <communication-waiting>: it is another service than barring\n" in told.err
    active.write_text(active.read_text().replace("<ss:roaming/>", "<ss:roaming/><ss:media>video</ss:media>"))
    assert main(["subscribers", "import", "--simservs", ALICE, "--config", str(config), str(active)]) == 2
    assert f"{active}:7:55: found <media>, expected" in capsys.readouterr().err


def test_unlocking_forgets_wrong_pins_and_nothing_else(config: Path) -> None:
    store = ChangeStore(str(config.with_name("subscribers.yaml")))
    store.save([Change(ALICE, "wrong_pins", 3), Change(ALICE, "last_wrong_pin", 1.0), Change(ALICE, "notify", True)])
    assert main(["subscribers", "unlock", "--config", str(config), ALICE]) == 0
    assert store.load() == [Change(ALICE, "notify", True)]


def test_what_cannot_be_done_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = config.with_name("broken.xml")
    broken.write_text("<simservs>")
    for arguments, said in (
        (["export", "--simservs", "+8613800138009"], "no subscriber with the number +8613800138009"),
        (["import", "--simservs", ALICE, str(broken)], "broken.xml:1:11: found no element found"),
        (["import", "--simservs", ALICE, "missing.xml"], "missing.xml: no such file or directory"),
        (["import", "--simservs", ALICE, str(broken), "sqlite:///x.db"], "takes --config CONFIG and one XML file"),
        (["import", str(broken)], "no database; write sqlite:///FILE"),
    ):
        assert main(["subscribers", arguments[0], "--config", str(config), *arguments[1:]]) == 2
        assert said in capsys.readouterr().err

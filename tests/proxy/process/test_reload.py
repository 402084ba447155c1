"""A reload takes what is whole; of what shrank too much the last good reading goes on, and the log says so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from proxy.config.models import load_config
from proxy.core.proxy_core import ProxyCore
from proxy.core.settings import CoreSettings
from proxy.policy.engine import Policy
from proxy.policy.profile import Subscriber
from proxy.process.change_writer import ChangeWriter
from proxy.process.loading import load, load_overlay
from proxy.process.lookups import Lookups
from proxy.process.reload import Reloader
from proxy.sip.flow import Flow
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import Change
from proxy.subscribers.sqlite import save_subscribers
from tests.plays.dialogue import LISTENERS, TRUNKS

CONFIG = "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\nhome: GB\n"
LISTED = [f"+44770090{index:04}" for index in range(10)]


class Proxy:
    """A core whose files are read again, in one folder."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder = folder
        self.write("proxy.yaml", CONFIG + config)
        config_file = folder / "proxy.yaml"
        read = load_config(config_file)
        overlay = load_overlay(read)
        loaded = load(read, overlay)
        settings = CoreSettings(LISTENERS, Flow("udp", "127.0.0.9", 5080, 0), TRUNKS.find)
        self.core = ProxyCore(settings, Policy(loaded.snapshot))
        changes = ChangeWriter(ChangeStore(read.subscribers), overlay) if read.subscribers else None
        self._reloader = Reloader(config_file, loaded, self.core, overlay, changes, Lookups())

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    async def reload(self) -> list[Any]:
        """The lines that the log has of it."""
        with capture_logs() as logs:
            await self._reloader._reload()
        return logs

    def lists(self, number: str) -> bool:
        return self.core.policy.snapshot.scam_list.find(number, 0.0) is not None


@pytest.fixture
def proxy(tmp_path: Path) -> Proxy:
    (tmp_path / "lists").mkdir()
    for name in ("a", "b"):
        (tmp_path / "lists" / f"{name}.csv").write_text(rows(LISTED if name == "a" else ["+23224*"]))
    return Proxy(tmp_path, "scam_lists: [lists/*.csv]\n")


def rows(numbers: list[str]) -> str:
    return "".join(f"{line}\n" for line in ["number,category", *(f"{number},bank" for number in numbers)])


def kept(logs: list[Any]) -> list[tuple[str, int, int]]:
    found = [entry for entry in logs if entry["event"] == "reload_kept"]
    assert {entry["log_level"] for entry in found} <= {"error"}
    return [(Path(entry["file"]).name, entry["was"], entry["now"]) for entry in found]


def last(logs: list[Any], *names: str) -> list[Any]:
    assert logs[-1]["event"] == "reloaded"
    return [logs[-1][name] for name in names]


@pytest.mark.parametrize(
    ("left", "now"),
    [
        (rows([]), 0),
        ("number,category", 0),
        (rows(LISTED[:1]), 1),
        (rows(LISTED[:4]), 4),
        (rows(LISTED)[:-3], 10),  # cut in its last line
        (rows(LISTED[:6]).rstrip("\n"), 6),
    ],
)
async def test_a_list_that_was_cut_stays_as_it_was_and_others_are_taken(proxy: Proxy, left: str, now: int) -> None:
    proxy.write("lists/a.csv", left)
    proxy.write("lists/b.csv", rows(["+23225*", "+23226*"]))
    logs = await proxy.reload()
    assert kept(logs) == [("a.csv", 10, now)]
    assert last(logs, "entries", "fewer_entries") == [12, 0]
    assert all(map(proxy.lists, [*LISTED, "+23225000000"]))
    assert not proxy.lists("+23224000000")
    assert proxy.core.counters["reload_kept"] == 1
    assert kept(await proxy.reload()) == [("a.csv", 10, now)]  # as long as it is so
    proxy.write("lists/a.csv", rows(LISTED[1:]))
    logs = await proxy.reload()
    assert kept(logs) == []
    assert last(logs, "entries", "fewer_entries") == [11, 1]
    assert not proxy.lists(LISTED[0])


async def test_a_list_may_lose_up_to_the_share_and_grow_at_will(proxy: Proxy) -> None:
    proxy.write("lists/a.csv", rows(LISTED[:5]))
    assert kept(await proxy.reload()) == []
    assert proxy.lists(LISTED[4])
    assert not proxy.lists(LISTED[5])
    proxy.write("lists/a.csv", rows(LISTED).rstrip("\n"))
    logs = await proxy.reload()
    assert [entry["event"] for entry in logs] == ["file_not_ended", "reloaded"]
    assert proxy.lists(LISTED[9])


async def test_what_a_kept_list_said_of_a_number_stays_whole(tmp_path: Path) -> None:
    text = "number,category,confidence,source,expires\n+447700900001,bank,0.5,police,2030-12-31\n+4477009*,x,,,\n"
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "b.csv").write_text("number,category\n+23224*,wangiri\n")
    proxy = Proxy(tmp_path, "scam_lists: [a.csv, b.csv]\n")
    before = [proxy.core.policy.snapshot.scam_list.find(number, 0.0) for number in ("+447700900001", "+447700900002")]
    proxy.write("a.csv", "number\n")
    proxy.write("b.csv", "number,category\n+23224*,parcel\n")
    assert kept(await proxy.reload()) == [("a.csv", 2, 0)]
    find = proxy.core.policy.snapshot.scam_list.find
    assert [find(number, 0.0) for number in ("+447700900001", "+447700900002")] == before
    entry = find("+23224000000", 0.0)
    assert entry is not None
    assert entry.category == "parcel"


@pytest.mark.parametrize("pattern", ['"lists/*.csv"', '"**/*.csv"', "lists/a.csv, lists/b.csv", '"lists/[ab].csv"'])
async def test_a_list_that_is_gone_stays_in_force(tmp_path: Path, proxy: Proxy, pattern: str) -> None:
    proxy = Proxy(tmp_path, f"scam_lists: [{pattern}]\n")
    (tmp_path / "lists" / "a.csv").unlink()
    assert kept(await proxy.reload()) == [("a.csv", 10, 0)]
    (tmp_path / "lists" / "b.csv").unlink()
    assert kept(await proxy.reload()) == [("a.csv", 10, 0), ("b.csv", 1, 0)]
    assert all(map(proxy.lists, [*LISTED, "+23224000000"]))
    proxy.write("lists/a.csv", rows(LISTED))
    assert kept(await proxy.reload()) == [("b.csv", 1, 0)]


async def test_a_list_that_is_no_longer_named_goes(proxy: Proxy) -> None:
    proxy.write("proxy.yaml", CONFIG + "scam_lists: [lists/b.csv]\n")
    logs = await proxy.reload()
    assert kept(logs) == []
    assert last(logs, "entries", "fewer_entries") == [1, 10]
    (proxy.folder / "lists" / "a.csv").unlink()
    assert kept(await proxy.reload()) == []
    assert not proxy.lists(LISTED[0])


async def test_a_list_of_the_next_day_takes_the_place_of_yesterdays(proxy: Proxy) -> None:
    (proxy.folder / "lists" / "a.csv").unlink()
    proxy.write("lists/c.csv", rows(LISTED[:2]))
    assert kept(await proxy.reload()) == [("a.csv", 10, 0)]  # but not that of a handful
    (proxy.folder / "lists" / "b.csv").unlink()
    proxy.write("lists/d.csv", rows(LISTED[2:9]))
    logs = await proxy.reload()
    assert kept(logs) == []
    assert [Path(entry["file"]).name for entry in logs if entry["event"] == "file_gone"] == ["a.csv", "b.csv"]
    assert not proxy.lists(LISTED[9])


async def test_a_list_that_comes_back_takes_its_own_place(proxy: Proxy) -> None:
    for now, before in (("c.csv", "a.csv"), ("a.csv", "c.csv")):
        (proxy.folder / "lists" / before).rename(proxy.folder / "lists" / now)
        logs = await proxy.reload()
        assert kept(logs) == []
        assert last(logs, "entries", "fewer_entries") == [11, 0]


async def test_a_share_of_nothing_takes_everything(proxy: Proxy) -> None:
    proxy.write("lists/a.csv", "number\n")
    assert kept(await proxy.reload()) == [("a.csv", 10, 0)]
    proxy.write("proxy.yaml", CONFIG + "scam_lists: [lists/*.csv]\nsafeguards: {least_share: 0}\n")
    (proxy.folder / "lists" / "b.csv").unlink()
    logs = await proxy.reload()
    assert kept(logs) == []
    assert last(logs, "entries", "fewer_entries") == [0, 11]


async def test_rows_that_cover_home_are_refused_unless_told(proxy: Proxy) -> None:
    proxy.write("lists/b.csv", rows(["+23224*", "+44*"]))
    (failed,) = await proxy.reload()
    assert failed["event"] == "reload_failed"
    assert 'b.csv:3:1: found "+44*", expected a prefix that does not cover the home country GB' in failed["detail"]
    assert proxy.core.counters["reload_failed"] == 1
    assert not proxy.lists("+442079460101")
    proxy.write("proxy.yaml", CONFIG + "scam_lists: [lists/*.csv]\nsafeguards: {cover_home: on}\n")
    assert last(await proxy.reload(), "entries") == [12]
    assert proxy.lists("+442079460101")


PEOPLE = [f"+4420794601{index:02}" for index in range(6)]


def yaml_of(numbers: list[str]) -> str:
    return "subscribers:" + "".join(f'\n- number: "{number}"\n  password: s3cret' for number in numbers) + "\n"


@pytest.mark.parametrize(
    ("left", "now"), [(yaml_of(PEOPLE[:2]), 2), ("subscribers: []\n", 0), (yaml_of(PEOPLE)[:-4], 6), (None, 0)]
)
async def test_subscribers_that_shrank_stay_as_they_were(tmp_path: Path, left: str | None, now: int) -> None:
    (tmp_path / "people.yaml").write_text(yaml_of(PEOPLE))
    proxy = Proxy(tmp_path, "subscribers: people.yaml\n")
    if left is None:
        (tmp_path / "people.yaml").unlink()
    else:
        proxy.write("people.yaml", left)
    logs = await proxy.reload()
    assert kept(logs) == [("people.yaml", 6, now)]
    assert last(logs, "subscribers", "fewer_subscribers") == [6, 0]
    find = proxy.core.policy.snapshot.subscribers.find
    assert [one and one.password for one in map(find, PEOPLE)] == ["s3cret"] * len(PEOPLE)
    proxy.write("people.yaml", yaml_of(PEOPLE[:4]))
    logs = await proxy.reload()
    assert kept(logs) == []
    assert last(logs, "subscribers", "fewer_subscribers") == [4, 2]


async def test_a_database_that_shrank_or_is_gone_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    save_subscribers(path, map(Subscriber, PEOPLE))
    proxy = Proxy(tmp_path, "subscribers: sqlite:///people.db\n")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM subscribers WHERE rowid > 2")
    assert kept(await proxy.reload()) == [("people.db", 6, 2)]
    path.unlink()
    assert kept(await proxy.reload()) == [("people.db", 6, 0)]
    assert proxy.core.policy.snapshot.subscribers.find(PEOPLE[5])


async def test_a_list_that_is_empty_from_the_start_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("number\n")
    proxy = Proxy(tmp_path, "scam_lists: [a.csv]\n")
    logs = await proxy.reload()
    assert [entry["event"] for entry in logs] == ["file_empty", "reloaded"]


async def test_what_subscribers_changed_counts_after_a_reload_as_before_it(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(yaml_of(PEOPLE))
    ChangeStore(str(tmp_path / "people.yaml")).save([Change(PEOPLE[0], "block", ("07700900123", "+23224*"))])
    proxy = Proxy(tmp_path, "subscribers: people.yaml\n")
    for _ in range(2):
        found = proxy.core.policy.snapshot.subscribers.find(PEOPLE[0])
        assert found is not None
        assert found.block == ("+447700900123", "+23224*")
        await proxy.reload()
    (tmp_path / "people.changes.db").unlink()
    assert kept(await proxy.reload()) == [("people.changes.db", 1, 0)]

"""Files that another process reads are in force as if this one had read them, and so are their errors."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy.config.models import ProxyConfig, load_config
from proxy.files.last_good import Extent
from proxy.files.yaml_file import FileErrors
from proxy.policy.profile import Subscriber
from proxy.process.apart import Apart, are_big
from proxy.process.loading import load
from proxy.process.reading import Contents, read
from proxy.subscribers.changes import Overlay
from proxy.subscribers.sqlite import save_subscribers

CONFIG = """\
listen: [udp:127.0.0.1:5060]
softswitch: udp:127.0.0.1:5080
home: GB
trunks: {international: {match: [127.0.1.0/24], kind: international}}
scam_lists: [a.csv, b.csv]
subscribers: sqlite:///people.db
"""
PEOPLE = [Subscriber(f"+4420794601{index:02}", f"user{index}", block=("+23224*",)) for index in range(30)]


def rows(first: int, count: int) -> str:
    listed = (f"+44770090{index:04},bank,0.{index % 10},police,2030-12-31\n" for index in range(first, first + count))
    return "number,category,confidence,source,expires\n" + "".join(listed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture
def config(folder: Path) -> ProxyConfig:
    return _written(folder)


@pytest.fixture
def lists_only(config: ProxyConfig) -> ProxyConfig:
    """The config without subscribers: whoever reads them apart is a process by itself."""
    return config.model_copy(update={"subscribers": None})


@pytest.fixture(scope="module")
def read_apart(folder: Path) -> Contents:
    """The files as another process read them."""
    return Apart().read(_written(folder))


def _written(folder: Path) -> ProxyConfig:
    """The config, and its files anew."""
    (folder / "proxy.yaml").write_text(CONFIG)
    (folder / "a.csv").unlink(missing_ok=True)
    (folder / "a.csv").write_text(rows(0, 40))
    (folder / "b.csv").write_text("number,category\n+23224*,wangiri\n+4477009*,\n")
    (folder / "people.db").unlink(missing_ok=True)
    save_subscribers(folder / "people.db", PEOPLE)
    return load_config(folder / "proxy.yaml")


def told(contents: Contents) -> list[object]:
    """All that calls could find out, and what the log says."""
    numbers = [f"+44770090{index:04}" for index in range(60)]
    entries = [contents.scam_list.find(number, 0.0) for number in (*numbers, "+23224000000", "+447701000000")]
    people = [contents.directory.find(one.number) for one in PEOPLE]
    users = [contents.directory.find_user(one.user) for one in PEOPLE]
    return [entries, people, users, list(contents.directory), contents.extents, contents.kept]


def test_what_was_read_apart_is_what_is_in_the_files(config: ProxyConfig, read_apart: Contents) -> None:
    assert told(read_apart) == told(read(config))
    assert list(read_apart.directory) == PEOPLE


@pytest.mark.parametrize("first", ["here", "apart"])
def test_what_was_cut_or_is_gone_stays_as_in_the_last_good_reading(
    config: ProxyConfig, lists_only: ProxyConfig, folder: Path, read_apart: Contents, first: str
) -> None:
    config, last_good = (lists_only, read(lists_only)) if first == "here" else (config, read_apart)
    (folder / "a.csv").write_text(rows(0, 2))
    (folder / "b.csv").write_text("number,category\n+23225*,parcel\n+4477009*,\n")
    here, apart = read(config, last_good), Apart().read(config, last_good)
    assert told(apart) == told(here)
    assert [Path(one.last_good.file).name for one in apart.kept] == ["a.csv"]
    assert apart.scam_list.find("+447700900039", 0.0) == last_good.scam_list.find("+447700900039", 0.0)
    assert told(read(config, apart)) == told(apart)
    if first == "apart":  # what stays came from another process, and goes to one again
        (folder / "people.db").unlink()
        again = Apart().read(config, apart)
        assert again.directory is apart.directory
        assert again.extents[0] == Extent(str(folder / "people.db"), len(PEOPLE))
        assert [Path(one.last_good.file).name for one in again.kept] == ["people.db", "a.csv"]
        assert told(again)[:-1] == told(apart)[:-1]


def test_errors_are_those_of_the_files(lists_only: ProxyConfig, folder: Path) -> None:
    (folder / "b.csv").write_text("number\n" + "1\n" * 60)
    with pytest.raises(FileErrors) as caught:
        Apart().read(lists_only)
    assert str(caught.value).startswith(f'{folder / "b.csv"}:2:1: found "1", expected an E.164 number')
    assert str(caught.value).endswith("... and 10 more")


def test_what_there_is_not_takes_no_process(lists_only: ProxyConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "no interpreter")
    nothing = Apart().read(lists_only.model_copy(update={"scam_lists": ()}))
    assert (len(nothing.directory), len(nothing.scam_list), nothing.extents, nothing.kept) == (0, 0, (), ())
    with pytest.raises(FileNotFoundError, match="no interpreter"):
        Apart().read(lists_only)


@pytest.mark.parametrize("number", [None, signal.SIGSEGV])
def test_a_reader_that_is_stopped_or_dies_is_an_error_and_not_an_empty_list(
    lists_only: ProxyConfig, folder: Path, number: signal.Signals | None
) -> None:
    last_good = read(lists_only)
    (folder / "a.csv").unlink()
    os.mkfifo(folder / "a.csv")
    apart = Apart()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(apart.read, lists_only, last_good)
        with (folder / "a.csv").open("w"):  # opens once the reader has opened it too
            (process,) = apart._processes
            apart.stop() if number is None else process.send_signal(number)
            with pytest.raises(ChildProcessError) as caught:
                reading.result()
    assert caught.value.strerror == f"the process that reads the files ended with -{number or signal.SIGKILL:d}"


def test_files_of_a_few_megabytes_are_read_apart(config: ProxyConfig, folder: Path) -> None:
    assert not are_big(config)
    last_good = load(config, Overlay())
    assert last_good.contents.lists is None
    (folder / "a.csv").write_text(rows(0, 10) + f"+447700900000,bank,0.0,{'x' * 100},2030-12-31\n" * 16_000)
    assert are_big(config)
    (folder / "people.db").unlink()
    loaded = load(config, Overlay(), last_good)
    assert loaded.contents.lists is not None
    assert (len(loaded.scam_list), len(loaded.directory)) == (16_012, 30)

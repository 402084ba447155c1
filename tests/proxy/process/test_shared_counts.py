"""The file of counts that several proxies share: what it tells, how it begins, and what is no such file."""

from __future__ import annotations

import fcntl
import os
import re
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from proxy.config.models import ProxyConfig, load_config
from proxy.files.yaml_file import FileErrors
from proxy.identity.lockout import Lockout
from proxy.process import shared_counts
from proxy.process.shared_counts import SharedCounts
from tests.plays import forked

KEY = b"key" * 8
LIFETIME = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ringfence.secret.counts"


def test_a_count_that_one_took_no_other_takes(path: Path) -> None:
    one, other = SharedCounts(path, KEY), SharedCounts(path, KEY)
    assert one.name == other.name
    assert one.use("n", "alice", 1, 5.0, 6.0)
    assert not other.use("n", "alice", 1, 5.0, 6.0)
    assert other.use("n", "alice", 2, 5.0, 6.0)
    assert not one.use("n", "alice", 2, 5.0, 6.0)
    assert one.use("n", "bob", 1, 5.0, 6.0)  # nobody uses up a nonce for somebody else
    assert not one.use("n", "carol", 1, None, 6.0)  # it is no nonce of ours
    assert not one.use("n", "dave", 0, 5.0, 6.0)


def test_what_is_kept_outlives_the_process_and_a_copy_elsewhere_is_another_store(path: Path, tmp_path: Path) -> None:
    before = SharedCounts(path, KEY)
    assert before.use("n", "alice", 1, 5.0, 6.0)
    before.close()
    after = SharedCounts(path, KEY)
    assert after.name == before.name
    assert not after.use("n", "alice", 1, 5.0, 6.0)
    assert SharedCounts(tmp_path / "other", KEY).name != before.name


def test_the_memory_is_bounded_and_forgetting_lets_no_replay_through(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_counts, "_USE_BUCKETS", 1)
    counts = SharedCounts(path, KEY)
    taken = [f"n{number}" for number in range(100)]
    for number, nonce in enumerate(taken):
        assert counts.use(nonce, "alice", 1, 1.0 + number, 100.0)
    assert not any(counts.use(nonce, "alice", 1, 1.0 + number, 100.0) for number, nonce in enumerate(taken))
    assert not counts.use("a late one", "alice", 1, 3.0, 100.0)
    assert counts.use("a new one", "alice", 1, 101.0, 101.0)


def test_wrong_answers_are_counted_together_and_one_sent_again_counts_once(path: Path) -> None:
    one, other = (Lockout(3, 60.0, SharedCounts(path, KEY)) for _ in range(2))
    alice = ("alice", "127.0.0.77")
    for lockout, answer in ((one, 1), (other, 1), (other, 2)):
        lockout.note(*alice, 10.0, answer)
        assert not one.locked_for(*alice, 10.0)
    one.note(*alice, 20.0, 3)
    assert one.locked_for(*alice, 30.0) == other.locked_for(*alice, 30.0) == 50.0
    assert not other.locked_for("alice", "127.0.0.78", 30.0)
    assert not one.locked_for(*alice, 80.0)


def test_guessers_by_the_thousand_do_not_set_one_free(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counts, "_WRONG_BUCKETS", 1)
    lockout = Lockout(3, 60.0, SharedCounts(path, KEY))
    for answer in range(1, 4):
        lockout.note("alice", "127.0.0.77", 10.0, answer)
    for number in range(1000):
        lockout.note(f"user{number}", "127.0.0.77", 11.0)
    assert lockout.locked_for("alice", "127.0.0.77", 12.0)


def test_names_and_nonces_stand_nowhere_in_the_file(path: Path) -> None:
    counts = SharedCounts(path, KEY)
    counts.use("nonce-nonce-nonce", "alice@office", 1, 5.0, 6.0)
    Lockout(3, 60.0, counts).note("alice@office", "127.0.0.77", 10.0)
    held = path.read_bytes()
    assert not re.search(b"alice|office|nonce-|127.0.0.77", held)
    assert path.stat().st_mode & 0o777 == 0o600


RACER = f"""
import sys, time
from pathlib import Path
from proxy.process.shared_counts import SharedCounts
path, start = Path(sys.argv[1]), int(sys.argv[2])
counts = SharedCounts(path, {KEY!r})
print("ready", flush=True)
while not path.with_name("go").exists():
    time.sleep(0.001)
print(sum(counts.use(f"n{{number % 500}}", "alice", 1, 5.0, 6.0) for number in range(start, start + 500)))
"""


def test_of_processes_that_race_one_takes_each_count(path: Path) -> None:
    commands = [[sys.executable, "-c", RACER, str(path), str(start)] for start in (0, 100, 250)]
    racing = [forked.start(command, stdout=PIPE) for command in commands]
    for each in racing:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    path.with_name("go").touch()
    assert sum(int(each.communicate()[0]) for each in racing) == 500
    assert {each.name for each in path.parent.iterdir()} == {path.name, "go"}


def test_where_a_process_keeps_a_bucket_to_itself_nothing_is_taken_and_nobody_waits(path: Path) -> None:
    counts = SharedCounts(path, KEY)
    ready, wait = os.pipe(), os.pipe()
    if (child := os.fork()) == 0:  # locks are between processes
        fd = os.open(path, os.O_RDWR)
        fcntl.lockf(fd, fcntl.LOCK_EX)
        os.write(ready[1], b"x")
        os.read(wait[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    assert not counts.use("n", "alice", 1, 5.0, 6.0)
    os.write(wait[1], b"x")
    os.waitpid(child, 0)
    assert counts.use("n", "alice", 1, 5.0, 6.0)
    for end in (*ready, *wait):
        os.close(end)


def test_after_a_boot_it_begins_anew_and_who_has_it_open_keeps_what_they_have(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = SharedCounts(path, KEY)
    before.use("n", "alice", 1, 5.0, 6.0)
    monkeypatch.setattr(shared_counts, "_boot", lambda: b"another boot")
    after = SharedCounts(path, KEY)
    assert after.name != before.name
    assert not before.use("n", "alice", 1, 5.0, 6.0)
    assert SharedCounts(path, KEY).name == after.name
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_without_an_identity_of_the_boot_its_time_will_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counts, "_BOOT_ID", path.with_name("missing"))
    monkeypatch.setattr("time.time", lambda: 1.8e9)
    one = SharedCounts(path, KEY)
    monkeypatch.setattr("time.time", lambda: 1.8e9 + 60.0)  # somebody set the clock
    assert SharedCounts(path, KEY).name == one.name
    monkeypatch.setattr("time.time", lambda: 1.8e9 + 86400.0)
    assert SharedCounts(path, KEY).name != one.name


@pytest.mark.parametrize("held", [b"", b"my notes\n", b"ringfence"])
def test_what_is_no_such_file_is_left_as_it_is(path: Path, held: bytes) -> None:
    path.write_bytes(held)
    path.chmod(0o600)
    with pytest.raises(FileErrors, match="no file of counts"):
        SharedCounts(path, KEY)
    assert path.read_bytes() == held


def test_a_file_that_others_have_access_to_is_none(path: Path) -> None:
    SharedCounts(path, KEY)
    path.chmod(0o606)
    with pytest.raises(FileErrors, match=r"others have access to it \(mode 0606\)"):
        SharedCounts(path, KEY)


def test_a_link_is_followed_even_where_it_leads_to_no_file_yet(path: Path, tmp_path: Path) -> None:
    link, round_about = tmp_path / "link", tmp_path / "round"
    link.symlink_to(path)
    round_about.symlink_to(round_about)
    assert SharedCounts(link, KEY).name == SharedCounts(path, KEY).name
    assert link.is_symlink()
    with pytest.raises(OSError, match="symbolic links"):
        SharedCounts(round_about, KEY)


def test_a_pipe_or_a_folder_is_none_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(FileErrors, match="no file of counts"):
        SharedCounts(tmp_path / "pipe", KEY)
    with pytest.raises(IsADirectoryError):
        SharedCounts(tmp_path, KEY)
    with pytest.raises(FileNotFoundError) as failed:
        SharedCounts(tmp_path / "missing" / "f", KEY)
    assert failed.value.filename == str(tmp_path / "missing" / "f")


# --- the config


def config(folder: Path, more: str, auth: str = "digest") -> ProxyConfig:
    (folder / "s.yaml").write_text("subscribers: []\n")
    (folder / "proxy.yaml").write_text(
        "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\nsubscribers: s.yaml\n"
        f"trunks: {{phones: {{match: [127.0.0.0/24], kind: access, auth: {auth}}}}}\n{more}"
    )
    return load_config(folder / "proxy.yaml")


def test_counts_lie_beside_a_secret_file_that_is_named_unless_the_config_says_otherwise(tmp_path: Path) -> None:
    assert config(tmp_path, "").counts_file is None
    assert config(tmp_path, "secret_file: keys/s").counts_file == tmp_path / "keys" / "s.counts"
    assert config(tmp_path, "authentication: {counts_file: c}").counts_file == tmp_path / "c"
    assert config(tmp_path, "secret_file: s\nauthentication: {counts_file: none}").counts_file is None
    assert config(tmp_path, "secret_file: s", auth="none").counts_file is None

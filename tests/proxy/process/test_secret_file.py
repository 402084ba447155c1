"""The file with the proxy's secret: who makes it, who may read it, and what is no secret."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy import __main__ as command
from proxy.config.models import ProxyConfig, load_config
from proxy.files.yaml_file import FileErrors
from proxy.process.secret_file import load_secret


def config(folder: Path, more: str = "") -> ProxyConfig:
    path = folder / "proxy.yaml"
    path.write_text(f"listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n{more}")
    return load_config(path)


def test_the_first_start_makes_it_and_later_ones_read_it(tmp_path: Path) -> None:
    path = tmp_path / "s"
    secret = load_secret(path)
    assert len(secret) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == secret.hex() + "\n"
    assert load_secret(path) == secret
    assert list(tmp_path.iterdir()) == [tmp_path / "s"]


def test_whatever_the_umask_nobody_else_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_secret(tmp_path / "s")
    finally:
        os.umask(before)
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600


def test_processes_that_start_together_share_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(load_secret, [tmp_path / "s"] * 64))) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "s"]


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o620, 0o777])
def test_one_that_others_have_access_to_is_refused_and_left_alone(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "s"
    load_secret(path)
    path.chmod(mode)
    with pytest.raises(FileErrors) as refused:
        load_secret(path)
    assert str(refused.value) == (
        f"{path}: others have access to it (mode {mode:04o}), so that it is no secret; delete it, or chmod 600"
    )
    assert path.exists()


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o440])
def test_a_group_may_read_it(tmp_path: Path, mode: int) -> None:
    secret = load_secret(tmp_path / "s")
    (tmp_path / "s").chmod(mode)
    assert load_secret(tmp_path / "s") == secret


@pytest.mark.parametrize("text", ["", "\n", "ab" * 31, "ab" * 33, "xy" * 32, "ab" * 32 + "\nab", "ab" * 2000])
def test_what_is_no_secret_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "s"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(FileErrors) as refused:
        load_secret(path)
    assert str(refused.value) == (
        f"{path}:1:1: found something else, expected 64 hexadecimal digits; delete the file to have a new secret made"
    )


def test_a_pipe_or_a_folder_is_no_secret_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(FileErrors, match="no regular file"):
        load_secret(tmp_path / "pipe")
    with pytest.raises((OSError, FileErrors)):
        load_secret(tmp_path)


def test_where_it_cannot_be_made_the_error_names_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "s"
    with pytest.raises(FileNotFoundError) as failed:
        load_secret(path)
    assert (failed.value.filename, failed.value.filename2) == (str(path), None)


def test_its_place_is_beside_the_config_unless_that_says_otherwise(tmp_path: Path) -> None:
    assert config(tmp_path).secret_file == tmp_path / "ringfence.secret"
    assert config(tmp_path, "secret_file: keys/one").secret_file == tmp_path / "keys" / "one"


def test_a_folder_that_takes_no_file_costs_a_warning_where_none_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(command, "load_secret", read_only)
    assert command._secret(config(tmp_path)) is None
    with pytest.raises(PermissionError):
        command._secret(config(tmp_path, "secret_file: here.secret"))
    (tmp_path / "ringfence.secret").touch()
    with pytest.raises(PermissionError):
        command._secret(config(tmp_path))

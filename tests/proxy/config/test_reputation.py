"""`reputation:` in the config: what it takes, and each mistake at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.config.models import ProxyConfig, load_config
from proxy.files.yaml_file import FileErrors
from proxy.policy.remote import RemoteSource
from proxy.process.loading import load_snapshot

CONFIG = "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n"


def config(folder: Path, more: str) -> ProxyConfig:
    path = folder / "proxy.yaml"
    path.write_text(CONFIG + more)
    return load_config(path)


def test_every_key_but_the_url_has_a_default(tmp_path: Path) -> None:
    read = config(tmp_path, 'reputation: {desk: {url: "https://desk.example/{e164}"}}\n')
    assert load_snapshot(read).sources == (RemoteSource("desk", "https://desk.example/{e164}"),)


def test_keys_come_from_the_environment_and_are_shown_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_KEY", "s3cret")
    url = "http://127.0.0.1:${DESK_PORT:-8099}/{digits}"
    source = f'desk: {{url: "{url}", headers: {{X-Api-Key: "${{DESK_KEY}}"}}, on_failure: block}}'
    read = config(tmp_path, f"reputation:\n  {source}\n")
    (desk,) = load_snapshot(read).sources
    assert (desk.url, desk.headers) == ("http://127.0.0.1:8099/{digits}", (("X-Api-Key", "s3cret"),))
    assert desk.on_failure == "block"
    assert "s3cret" not in repr(desk) + repr(read)


URL = "an https address (http on this machine only) with {e164} or {digits} where the number stands"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('url: "https://desk.example/"', f'found "https://desk.example/", expected {URL}'),
        ('url: "https://desk.example/{number}"', f'found "https://desk.example/{{number}}", expected {URL}'),
        ('url: "ftp://desk.example/{e164}"', f'found "ftp://desk.example/{{e164}}", expected {URL}'),
        (
            'url: "http://desk.example/{e164}"',
            f'found "http://desk.example/{{e164}}", expected {URL}: numbers are personal',
        ),
        ('url: "http://127.0.0.1:0/{e164}"', f'found "http://127.0.0.1:0/{{e164}}", expected {URL}'),
        ('url: "http://127.0.0.1:x/{e164}"', f'found "http://127.0.0.1:x/{{e164}}", expected {URL}'),
        ('url: "https://{digits}.desk.example/"', "expected a host without a user, a password and a number"),
        ('url: "https://a:b@desk.example/{e164}"', "expected a host without a user, a password and a number"),
        (
            'url: "https://desk.example/{e164}#x"',
            "expected an address without blanks, # and characters other than ASCII",
        ),
        ("timeout_seconds: 31", 'found "31", expected'),
        ("on_failure: reject", 'found "reject", expected "allow" or "block"'),
        ("callers: home", 'found "home", expected "overseas" or "all"'),
        ("headers: {Host: desk}", 'found "Host", expected a header that is the source\'s own, such as Authorization'),
        ('headers: {X-Key: "${NOT_SET_ANYWHERE}"}', "which must not be empty"),
        (
            "cafile: missing.pem",
            'found "missing.pem", expected a file of certificates (PEM), named relative to this one',
        ),
        ("cafile: proxy.yaml", 'found "proxy.yaml", expected a file of certificates (PEM), named relative to this one'),
        ("assertions: []", "found a list, expected at least 1 of them"),
        ("min_rating: 2", 'found "2", expected'),
        ("cache: no", 'found unknown key "cache"'),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, source: str, told: str) -> None:
    if not source.startswith("url"):
        source = f'url: "https://desk.example/{{e164}}", {source}'
    with pytest.raises(FileErrors) as raised:
        config(tmp_path, f"reputation:\n  desk: {{{source}}}\n")
    (error,) = raised.value.errors
    assert error.line == 4
    assert told in str(error)

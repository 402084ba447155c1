"""Files that Asterisk reads from the lab and writes for it: accounts, addresses, and call records as CSV.

The folder is the container's /ringfence; everything else of the configuration is in docker/softswitch/etc.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from simulator.addresses import Address
from simulator.softswitch.embedded.registrar import Account

RING_TIME = 60.0  # seconds that a phone may ring

_SAFE_NAME = re.compile(r"[\w.+~!-]+", re.ASCII)
_RECORD = ("call_id", "caller", "dialled", "started", "answered", "ended", "seconds", "talk_seconds", "disposition")
_MOMENTS = ("started", "answered", "ended")


def write_setting(folder: Path, bind: Address, realm: str, resolver: Address, ring_time: float = RING_TIME) -> None:
    """Write where the switch listens and whom it asks about what was dialled, and make room for its records.

    `ring_time` is in seconds.
    """
    (folder / "cdr-custom").mkdir(exist_ok=True)
    _records(folder).touch()
    (folder / "bind.conf").write_text(f"bind = {bind[0]}:{bind[1]}\n", encoding="utf-8")
    (folder / "realm.conf").write_text(f"default_realm = {realm}\n", encoding="utf-8")
    (folder / "domain.conf").write_text(f"from_domain = {realm}\n", encoding="utf-8")
    (folder / "globals.conf").write_text(
        f"RESOLVER = agi://{resolver[0]}:{resolver[1]}\nRING_TIME = {max(1, round(ring_time))}\n", encoding="utf-8"
    )


def write_accounts(folder: Path, accounts: Iterable[Account], realm: str) -> None:
    """Write the accounts, whole or not at all. Raises ValueError for a name that Asterisk's files cannot hold."""
    fresh = folder / ".accounts.conf"
    fresh.write_text("\n".join(section for each in accounts for section in _sections(each, realm)), encoding="utf-8")
    fresh.chmod(0o600)
    fresh.replace(folder / "accounts.conf")


def binding_names(account: Account) -> tuple[str, ...]:
    """The address-of-record objects of an account.

    Digest says who registers; without a password only the name in the address of record does, whichever it is.
    """
    if account.password is not None:
        return (account.user,)
    return tuple(dict.fromkeys((account.user, account.number, account.number.removeprefix("+"))))


def _sections(account: Account, realm: str) -> Iterator[str]:
    for name in binding_names(account):
        if not _SAFE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be a user of the Asterisk softswitch: letters, digits and .+~!_- can")
        lines = [f"[{name}](account)", f"aors = {name}"]
        if account.password is not None:
            secret = f"{account.user}:{realm}:{account.password}".encode()
            lines += [
                f"auth = {name}",
                f"[{name}](digest)",
                f"username = {name}",
                f"realm = {realm}",
                f"password_digest = MD5:{hashlib.md5(secret, usedforsecurity=False).hexdigest()}",
                f"password_digest = SHA-256:{hashlib.sha256(secret).hexdigest()}",
            ]
        yield "\n".join((*lines, f"[{name}](bindings)", ""))


def forget_records(folder: Path) -> None:
    """Drop the call records of an earlier run."""
    _records(folder).unlink(missing_ok=True)


def gather_records(folder: Path, target: Path) -> None:
    """Turn Asterisk's own call records into JSON lines, one a call side."""
    with (
        target.open("w", encoding="utf-8") as file,
        _records(folder).open(encoding="utf-8", errors="replace", newline="") as rows,
    ):
        for row in csv.reader(rows):
            record = dict(zip(_RECORD, row, strict=False))
            record |= {name: _with_a_z(record[name]) for name in _MOMENTS if record.get(name)}
            file.write(json.dumps(record) + "\n")


def _with_a_z(moment: str) -> str:
    """Asterisk writes "2026-11-27 14:07:33", in the container's UTC."""
    return f"{moment.replace(' ', 'T')}Z"


def _records(folder: Path) -> Path:
    return folder / "cdr-custom" / "calls.csv"

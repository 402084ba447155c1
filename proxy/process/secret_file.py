"""The file with the proxy's secret: made at the first start, and read by every process that is to share it.

All that the proxy signs and gets back later (flow tokens in Path and Record-Route, nonces, To tags, branches) is keyed
by it: with the file, phones behind NAT stay reachable over a restart.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from proxy.core.keys import SECRET_BYTES
from proxy.files.yaml_file import FileError, FileErrors

_OTHERS = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP  # what nobody beside the owner may; a group may read it
_TEXT = re.compile(rb"[0-9A-Fa-f]{%d}\s*" % (2 * SECRET_BYTES))
_LONGEST = 1024  # bytes that are looked at
_EXPECTED = f"{2 * SECRET_BYTES} hexadecimal digits; delete the file to have a new secret made"


def load_secret(path: Path) -> bytes:
    """Read the secret, which is made where there is none.

    Raises FileErrors for a file that others may read or that holds no secret, OSError where it cannot be read or made.
    """
    if (secret := read_secret(path)) is not None:
        return secret
    _make(path)
    return _read(path)


def read_secret(path: Path) -> bytes | None:
    """Read the secret; None where there is none. Raises as `load_secret` does."""
    with suppress(FileNotFoundError):
        return _read(path)
    return None


def _read(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe is no reason to wait
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise FileErrors([FileError.whole(path, "no regular file; a secret of the proxy's own belongs there")])
        mode = stat.S_IMODE(found.st_mode)
        if mode & _OTHERS:
            problem = f"others have access to it (mode {mode:04o}), so that it is no secret; delete it, or chmod 600"
            raise FileErrors([FileError.whole(path, problem)])
        text = file.read(_LONGEST)
    if not _TEXT.fullmatch(text):
        raise FileErrors([FileError(path, 1, 1, "something else", _EXPECTED)])
    return bytes.fromhex(text.decode())


def _make(path: Path) -> None:
    """Write a new secret beside, then give it its name: nobody reads half of it, and of two processes one wins."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(f"{secrets.token_hex(SECRET_BYTES)}\n".encode())
                file.flush()
                os.fsync(fd)
            with suppress(FileExistsError):
                os.link(beside, path)
        finally:
            beside.unlink()
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise

"""A file in which the proxies of one machine count together the uses of nonces and wrong answers.

Without it each would take an answer that another has taken, and guessers could try as often at each of them. The file
is mapped into memory, so that nobody waits for a disk. It holds two tables of fixed size, whose buckets are locked one
by one (fcntl; the lock of a process that dies goes with it). What is in it is keyed: it names no user and no nonce.

Times in it are those of the machine's monotonic clock: after a boot it is worth nothing, and begins anew.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import stat
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from proxy.files.yaml_file import FileError, FileErrors
from proxy.identity.lockout import FailedAttempts

_HEAD = struct.Struct("<24s8s40s")  # what it is, its name, the boot that it belongs to
_HEAD_BYTES = 4096
_ANY_VERSION = b"ringfence counts "
_KIND = _ANY_VERSION + b"1"
_TIME = struct.Struct("<d")
_KEY_BYTES = 16
# A key; when the nonce was issued, or until when wrong answers count; how many (0: free); the mark of the last one.
_RECORD = struct.Struct(f"<{_KEY_BYTES}sdIQ")
_WAYS = 32  # records of a bucket
_WHOLE = struct.Struct("<" + f"{_KEY_BYTES}xdI8x" * _WAYS)
_BUCKET_BYTES = _TIME.size + _WHOLE.size
_USE_BUCKETS, _WRONG_BUCKETS = 4096, 2048  # for 131,072 nonces in use, and 65,536 guessers
_SIZE = _HEAD_BYTES + (_USE_BUCKETS + _WRONG_BUCKETS) * _BUCKET_BYTES
_MOST = 0xFFFFFFFF  # that a record counts
_PATIENCE = 0.003  # seconds that another process may keep a bucket before we do without it
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NO_COUNTS = "no file of counts; delete it, or name another in authentication: {counts_file: ...}"


class _Table:
    """Buckets of records in a mapped file. A bucket begins with a time of its own."""

    def __init__(self, memory: mmap.mmap, start: int, buckets: int) -> None:
        self.end = start + buckets * _BUCKET_BYTES
        self._start = start
        self._memory = memory
        self._buckets = buckets

    def bucket(self, key: bytes) -> int:
        """The place in the file where the bucket of a key begins."""
        return self._start + int.from_bytes(key[:4]) % self._buckets * _BUCKET_BYTES

    def find(self, key: bytes, bucket: int) -> int:
        """The place of the record of a key; -1 where there is none."""
        return self._memory.find(key, bucket + _TIME.size, bucket + _BUCKET_BYTES)

    def read(self, place: int) -> tuple[float, int, int]:
        """A record without its key."""
        _, moment, count, mark = _RECORD.unpack_from(self._memory, place)
        return moment, count, mark

    def times_and_counts(self, bucket: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Those of all records of a bucket."""
        values = _WHOLE.unpack_from(self._memory, bucket + _TIME.size)
        return values[0::2], values[1::2]


class SharedCounts:
    """The counts in one file, which is made where there is none. Raises FileErrors, OSError.

    `name` stands in the nonces that are counted there. What is in the file is made with `key`.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self._fd, self.name = _open(Path(os.path.realpath(path)))  # a link may lead to where there is no file yet
        self._memory = mmap.mmap(self._fd, _SIZE)
        self._keyed = blake2b(key=key, digest_size=_KEY_BYTES)
        self._uses = _Table(self._memory, _HEAD_BYTES, _USE_BUCKETS)
        self._wrong = _Table(self._memory, self._uses.end, _WRONG_BUCKETS)

    def use(self, nonce: str, who: str, count: int, issued: float | None, now: float) -> bool:  # noqa: ARG002
        """See NonceStore. False as well where another process keeps the bucket to itself: the phone is asked again."""
        if issued is None:
            return False
        key = self._key(nonce, who)
        bucket = self._uses.bucket(key)
        if not self._lock(bucket):
            return False
        try:
            return self._use(key, bucket, count, issued)
        finally:
            self._unlock(bucket)

    def _use(self, key: bytes, bucket: int, count: int, issued: float) -> bool:
        memory, table = self._memory, self._uses
        place = table.find(key, bucket)
        if place >= 0:
            if count <= table.read(place)[1]:
                return False
        else:
            [forgotten] = _TIME.unpack_from(memory, bucket)
            if count < 1 or issued <= forgotten:
                return False
            times, counts = table.times_and_counts(bucket)
            if 0 in counts:
                free = counts.index(0)
            elif issued <= (oldest := min(times)):
                return False
            else:  # a nonce that was issued by then and is no longer here counts as stale: it may have been used
                free = times.index(oldest)
                _TIME.pack_into(memory, bucket, oldest)
            place = bucket + _TIME.size + free * _RECORD.size
        _RECORD.pack_into(memory, place, key, issued, count, 0)
        return True

    def of(self, user: str, source: str) -> FailedAttempts | None:
        """See AttemptStore."""
        key = self._key(user, source)
        place = self._wrong.find(key, self._wrong.bucket(key))
        if place < 0:
            return None
        found, until, count, last = _RECORD.unpack_from(self._memory, place)
        return FailedAttempts(count, until, last) if found == key else None  # else another just took the place

    def change(self, user: str, source: str, change: Callable[[FailedAttempts], FailedAttempts], now: float) -> None:
        """See AttemptStore. Of a full bucket those go first that count no more, then those of who guessed least."""
        key = self._key(user, source)
        table = self._wrong
        bucket = table.bucket(key)
        if not self._lock(bucket):
            return
        try:
            place, before = table.find(key, bucket), FailedAttempts()
            if place >= 0:
                until, count, last = table.read(place)
                before = FailedAttempts(count, until, last)
            else:
                times, counts = table.times_and_counts(bucket)
                worth = [(count if until > now else 0, until) for until, count in zip(times, counts, strict=True)]
                place = bucket + _TIME.size + worth.index(min(worth)) * _RECORD.size
            count, until, last = change(before)
            _RECORD.pack_into(self._memory, place, key, until, min(count, _MOST), last)
        finally:
            self._unlock(bucket)

    def close(self) -> None:
        """Let go of the file, which stays."""
        self._memory.close()
        os.close(self._fd)

    def _key(self, one: str, other: str) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(f"{len(one)}\n{one}{other}".encode("utf-8", "surrogateescape"))
        return keyed.digest()

    def _lock(self, place: int) -> bool:
        """Have a bucket to ourselves; False where another process, stopped in the middle, does not let go of it."""
        until = 0.0
        while True:
            try:
                fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):  # as POSIX has it, either
                now = time.monotonic()
                until = until or now + _PATIENCE
                if now >= until:
                    return False
                time.sleep(0.0)
            else:
                return True

    def _unlock(self, place: int) -> None:
        fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, place)


def _open(path: Path) -> tuple[int, str]:
    """The file, and its name. It is made where there is none, and made anew where it is from before a boot."""
    boot = _boot()
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            _make(path, boot, os.link)
            continue
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX, 1, 0)  # others keep it for as long as it takes to write such a file
            name = _name(path, fd, boot)
            if name is not None:
                fcntl.lockf(fd, fcntl.LOCK_UN, 1, 0)
                return fd, name
            if _is_still(path, fd):
                _make(path, boot, os.replace)
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _name(path: Path, fd: int, boot: bytes) -> str | None:
    """The name in a file; None for one of another boot or version. Raises FileErrors for what is no such file."""
    found = os.fstat(fd)
    mode = stat.S_IMODE(found.st_mode)
    if mode & stat.S_IRWXO:
        problem = f"others have access to it (mode {mode:04o}); delete it, or chmod 600"
        raise FileErrors([FileError.whole(path, problem)])
    head = os.pread(fd, _HEAD.size, 0) if stat.S_ISREG(found.st_mode) else b""
    if not head.startswith(_ANY_VERSION):
        raise FileErrors([FileError.whole(path, _NO_COUNTS)])
    if found.st_size != _SIZE:
        return None
    kind, name, of_boot = (field.rstrip(b"\0") for field in _HEAD.unpack(head))
    return name.decode("ascii", "replace") if kind == _KIND and _same(of_boot, boot) else None


def _is_still(path: Path, fd: int) -> bool:
    """True if the path still leads to the file that is open: else another process has put a new one there."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(fd))
    return False


def _make(path: Path, boot: bytes, put: Callable[[Path, Path], None]) -> None:
    """Write a new file beside, and put it in its place: nobody sees half of it."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(_HEAD.pack(_KIND, secrets.token_hex(4).encode(), boot).ljust(_SIZE, b"\0"))
        with suppress(FileExistsError):
            put(beside, path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise
    finally:
        beside.unlink(missing_ok=True)


def _boot() -> bytes:
    """The identity of this run of the machine; where it has none (macOS), about when it began, in seconds."""
    with suppress(OSError):
        return _BOOT_ID.read_bytes().strip()
    return b"%d" % (time.time() - time.monotonic())


def _same(one: bytes, other: bytes) -> bool:
    """True for one boot; clocks that were set meanwhile make some minutes of difference."""
    return one == other or (one.isdigit() and other.isdigit() and abs(int(one) - int(other)) < 600)

"""The file of a run's messages, written as quickly as it goes: about a microsecond a message.

After a line that names the format there are records: a head (little-endian: bytes that follow it, the number of a pair
of addresses, the kind, and two doubles), then these bytes. A message (kind 1; 2 in the pass without the proxy) has its
moment in seconds of the monotonic clock, and in seconds since 1970. The addresses of a new number (kind 0) come before
the first message with it, as JSON: transport, sender, receiver. A cut at any byte costs one record; what is damaged in
other ways is an error.
"""

from __future__ import annotations

import errno
import json
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from shutil import disk_usage
from typing import NamedTuple

from proxy.files.yaml_file import FileError, FileErrors
from proxy.observability.message_log import clocks_apart
from simulator.addresses import Address
from simulator.agents.tap import Hear

_FORMAT = b"ringfence messages 1\n"
_HEAD = struct.Struct("<IIBdd")
_ADDRESSES, _PROXIED, _DIRECT = range(3)
_BATCH = 64  # messages that are written at once
_LONGEST = 1 << 24  # bytes that follow a head
_LAST = float(1 << 32)  # seconds of any clock: as many as a capture can tell
_LAST_PORT = 65_535
_SPARED = 64 << 20  # bytes of the disk that are left to what a run cannot do without


class Record(NamedTuple):
    """A message as it stands in the file. `at` is in seconds of `time.monotonic`."""

    at: float
    since_1970: float
    proxied: bool
    transport: str
    sender: Address
    receiver: Address
    data: bytes


class MessageFile:
    """Appends messages to a file; `count` are in it. None of what hears messages raises OSError: calls matter more.

    What finds no room is counted in `lost`, and so is all that comes later, as it would make no sense alone; `why` says
    what the matter was.
    """

    def __init__(self, path: Path) -> None:
        self.count = self.lost = 0
        self.why = ""
        self._path = path
        self._file: int | None = None
        self._size = 0  # bytes of whole batches in the file
        self._held: list[bytes] = []
        self._messages = 0  # among them
        self._numbers: dict[tuple[str, Address, Address], int] = {}
        self._offset = clocks_apart()

    def hearing(self, *, proxied: bool) -> Hear:
        """The function that takes the messages of a pass."""
        kind = _PROXIED if proxied else _DIRECT
        held, numbers, pack = self._held, self._numbers, _HEAD.pack

        def hear(at: float, data: bytes, transport: str, sender: Address, receiver: Address) -> None:
            number = numbers.get((transport, sender, receiver))
            if number is None:
                number = self._number(transport, sender, receiver)
            held.append(pack(len(data), number, kind, at, at + self._offset) + data)
            self._messages += 1
            if self._messages >= _BATCH:
                self._write()

        return hear

    def add(self, record: Record) -> None:
        """Take a message of another file."""
        at, since_1970, proxied, transport, sender, receiver, data = record
        number = self._numbers.get((transport, sender, receiver))
        if number is None:
            number = self._number(transport, sender, receiver)
        kind = _PROXIED if proxied else _DIRECT
        self._held.append(_HEAD.pack(len(data), number, kind, at, since_1970) + data)
        self._messages += 1
        if self._messages >= _BATCH:
            self._write()

    def flush(self) -> None:
        """Write out what waits, and compare the clocks again: the time of day may have been set."""
        self._write()
        self._offset = clocks_apart()

    def close(self) -> None:
        """Write out what waits, and close the file."""
        self._write()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def replace(self, path: Path) -> None:
        """Close the file, and put it in the place of another, which goes where this one holds nothing.

        Raises OSError, and leaves the other as it is, where there was no room for this one.
        """
        self.close()
        if self.lost:
            self._path.unlink(missing_ok=True)
            raise OSError(errno.ENOSPC, self.why)
        if self.count:
            self._path.replace(path)
        else:
            path.unlink(missing_ok=True)

    def _number(self, transport: str, sender: Address, receiver: Address) -> int:
        number = self._numbers[transport, sender, receiver] = len(self._numbers)
        told = json.dumps((transport, sender, receiver)).encode()
        self._held.append(_HEAD.pack(len(told), number, _ADDRESSES, 0.0, 0.0) + told)
        return number

    def _write(self) -> None:
        if not self._held:
            return
        data, messages = b"".join(self._held), self._messages
        self._held.clear()
        self._messages = 0
        if self.lost:
            self.lost += messages
            return
        try:
            if disk_usage(self._path.parent).free < _SPARED:
                raise OSError(errno.ENOSPC, "less than 64 MB of room are left on the disk")
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
                data = _FORMAT + data
            written = 0
            while written < len(data):
                written += os.write(self._file, memoryview(data)[written:])
        except OSError as error:
            self.lost, self.why = messages, error.strerror or str(error)
            if self._file is not None:
                with suppress(OSError):
                    os.truncate(self._file, self._size)
        else:
            self._size += len(data)
            self.count += messages


def read_records(path: Path) -> Iterator[Record]:
    """The messages in a file as they were heard, up to a record that was cut; nothing where there is no file.

    Raises FileErrors for a file of another format, or one that is damaged.
    """
    if not path.exists():
        return
    pairs: dict[int, tuple[str, Address, Address]] = {}
    with path.open("rb") as file:
        if not _FORMAT.startswith(begin := file.read(len(_FORMAT))):
            found = f'found "{begin.decode("latin-1").strip()}", expected "{_FORMAT.decode().strip()}"'
            raise FileErrors([FileError.whole(path, found)])
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            size, number, kind, at, since_1970 = _HEAD.unpack(head)
            if size > _LONGEST or kind > _DIRECT or not (0 <= at < _LAST and 0 <= since_1970 < _LAST):
                raise _damaged(path, file.tell() - _HEAD.size)
            if len(data := file.read(size)) < size:
                return
            if kind == _ADDRESSES:
                try:
                    transport, sender, receiver = json.loads(data)
                    pairs[number] = str(transport), _address(*sender[:2]), _address(*receiver[:2])
                except (ValueError, TypeError, LookupError):
                    raise _damaged(path, file.tell() - size - _HEAD.size) from None
            elif (pair := pairs.get(number)) is not None:
                yield Record(at, since_1970, kind == _PROXIED, *pair, data)
            else:
                raise _damaged(path, file.tell() - size - _HEAD.size)


def _address(host: str, port: int) -> Address:
    """An address as it was recorded. Raises ValueError, TypeError."""
    ip_address(host.partition("%")[0] if isinstance(host, str) else "")
    if not 0 <= port <= _LAST_PORT:
        raise ValueError(port)
    return host, port


def _damaged(path: Path, place: int) -> FileErrors:
    return FileErrors([FileError.whole(path, f"damaged: no record begins at byte {place:,}")])

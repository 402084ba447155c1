"""Arrays side by side in memory that processes share: one makes them, another looks things up in them.

The memory is a file without a name: nobody else can open it, it is never out of date, and nothing of it is left when
the last process lets go of it.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import tempfile
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_STEP = 1 << 22  # bytes that are brought into memory in one go


class Place(NamedTuple):
    """The place of an array on a shelf: its data type as numpy writes it, how many of these, bytes in front of them."""

    kind: str
    length: int
    offset: int


class Shelf:
    """Holds the arrays of values that are packed in one process and unpacked in another, which inherits `fd`."""

    def __init__(self, fd: int | None = None) -> None:
        self.fd = _anonymous_file() if fd is None else fd
        self._arrays: dict[int, tuple[npt.NDArray[Any], Place]] = {}  # by their identity
        self._memory: mmap.mmap | None = None

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)  # what is mapped stays so

    def close(self) -> bool:
        """Give the memory back; False if somebody still reads an array.

        For much memory that takes long, but it holds up no other thread, as it would if the last array went by itself.
        """
        self._arrays.clear()
        if self._memory is not None:
            try:
                self._memory.close()
            except BufferError:
                return False
        self._memory = None
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        return True

    def allocate(self, kind: Any, count: int) -> npt.NDArray[Any]:
        """A new array on the shelf, to be filled."""
        dtype, start = np.dtype(kind), os.fstat(self.fd).st_size
        if count:
            size = -(-count * dtype.itemsize // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
            os.ftruncate(self.fd, start + size)
            array = np.frombuffer(mmap.mmap(self.fd, size, offset=start), dtype, count)
        else:
            array = np.empty(0, dtype)
        self._arrays[id(array)] = array, Place(dtype.str, count, start)
        return array

    def pack(self, value: Any) -> bytes:
        """A value as bytes, but for the arrays in it: those are on the shelf, or are put there."""
        packed = io.BytesIO()
        _Packer(self, packed).dump(value)
        return packed.getvalue()

    def unpack(self, packed: bytes) -> Any:
        """The value that another process packed; it must be one that is trusted."""
        return _Unpacker(self, io.BytesIO(packed)).load()

    def bring_in(self) -> None:
        """Bring all of the shelf into the memory of this process, so that no look-up has to wait for it."""
        memory = self._mapped()
        pages = np.frombuffer(memory or b"", np.uint8)[:: mmap.PAGESIZE]
        for start in range(0, len(pages), _STEP // mmap.PAGESIZE):
            pages[start : start + _STEP // mmap.PAGESIZE].max()

    def place_of(self, array: npt.NDArray[Any]) -> Place:
        """The place of an array, which is copied to the shelf if it is not on it."""
        if id(array) not in self._arrays:
            self.allocate(array.dtype, len(array))[:] = array
            *_, (_, place) = self._arrays.values()
            return place
        return self._arrays[id(array)][1]

    def array_at(self, place: Place) -> npt.NDArray[Any]:
        """The array at a place, to be read."""
        memory = self._mapped()
        array = np.frombuffer(memory, place.kind, place.length, place.offset) if memory else np.empty(0, place.kind)
        self._arrays[id(array)] = array, place
        return array

    def _mapped(self) -> mmap.mmap | None:
        if self._memory is None and (size := os.fstat(self.fd).st_size):
            self._memory = mmap.mmap(self.fd, size, access=mmap.ACCESS_READ)
        return self._memory


class _Packer(pickle.Pickler):
    def __init__(self, shelf: Shelf, file: io.BytesIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._shelf = shelf

    def persistent_id(self, value: Any) -> Any:
        return tuple(self._shelf.place_of(value)) if isinstance(value, np.ndarray) else None


class _Unpacker(pickle.Unpickler):
    def __init__(self, shelf: Shelf, file: io.BytesIO) -> None:
        super().__init__(file)
        self._shelf = shelf

    def persistent_load(self, place: Any) -> Any:
        return self._shelf.array_at(Place(*place))


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("ringfence")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())

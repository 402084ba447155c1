"""Records the messages of a run into its folder.

While calls are played, all go to the file, also where only those of failed calls are wanted: which calls these are is
known at the end, and memory does not grow meanwhile. A run that ends in order leaves what is wanted; after a crash all
messages are there, but for the last fifth of a second.

Each message is recorded once, at a socket of the wire agents or of the embedded softswitch: as it leaves, or as it
comes from elsewhere. What passes between the proxy and others (real phones, Asterisk) the proxy records, in a file of
its own that is put in at the end.
"""

from __future__ import annotations

import heapq
import json
import shutil
from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from simulator.addresses import read_address
from simulator.agents.tap import Hear
from simulator.results.events import Event, PassEnded, Tick
from simulator.results.media import MEDIA, Ends, keep_media
from simulator.results.message_file import MessageFile, Record, read_records
from simulator.results.messages import MESSAGES, Calls, Mode, Recorded, in_order, read_messages

PROXYS = "proxy-messages.jsonl"  # what the proxy alone can see, until it is put with the others


class MessageRecorder:
    """Records what passes into `folder`: `failed` in the pass through the proxy, `all` in both. Raises no OSError."""

    def __init__(self, folder: Path, mode: Mode) -> None:
        self._path = folder / MESSAGES
        self._proxys = folder / PROXYS
        self._mode = mode
        self._file = MessageFile(self._path)
        self._media = MessageFile(folder / MEDIA)

    def hearing(self, *, proxied: bool) -> Hear | None:
        """The function that takes the messages of a pass; None where they are not wanted."""
        if self._mode == "never" or (self._mode == "failed" and not proxied):
            return None
        return self._file.hearing(proxied=proxied)

    def hearing_media(self, *, proxied: bool) -> Hear | None:
        """The function that takes the sound of a pass; None where it is not wanted."""
        if self._mode == "never" or (self._mode == "failed" and not proxied):
            return None
        return self._media.hearing(proxied=proxied)

    def hear(self, event: Event) -> None:
        """Write out what waits, now and then."""
        if isinstance(event, (Tick, PassEnded)):
            self.flush()

    def flush(self) -> None:
        """Write out what waits."""
        self._file.flush()
        self._media.flush()

    def copy_to(self, folder: Path) -> Recorded:
        """Copy what is in the files by now (see `flush`) into the folder of a run. Raises OSError."""
        for path in (self._path, self._proxys, self._path.with_name(MEDIA)):
            if path.exists():
                shutil.copyfile(path, folder / path.name)
        if (folder / PROXYS).exists():
            return MessageRecorder(folder, self._mode).settle(None)
        return Recorded(self._mode, self._file.count, 0, self._file.lost)

    def settle(self, failed: Collection[str] | None) -> Recorded:
        """Leave the messages that are wanted in the file, with what the proxy saw put in.

        `failed` are the Call-IDs with which failed calls left their callers; None keeps all, as nobody knows.
        """
        file = self._file
        file.close()
        self._media.close()
        only = failed if self._mode == "failed" else None
        kept, dropped, why = file.count, 0, file.why
        try:
            if self._mode != "never" and (only or self._proxys.exists()):
                kept, dropped = self._rewrite(only)
            elif only is not None:
                kept, dropped = 0, file.count
                self._path.unlink(missing_ok=True)
            self._proxys.unlink(missing_ok=True)
            self._settle_media()
        except OSError as error:  # the file stays as it is
            why = error.strerror or str(error)
        return Recorded(self._mode, kept, dropped, file.lost, f"{MESSAGES}: {why}" if why else "")

    def _settle_media(self) -> None:
        """Leave the sound of the calls whose messages are in the file."""
        media = self._path.with_name(MEDIA)
        if media.exists():
            keep_media(media, Ends(read_messages(self._path)))

    def _rewrite(self, failed: Collection[str] | None) -> tuple[int, int]:
        """Write the file anew, in order of time; how many messages it got, and how many were left out."""
        fresh = MessageFile(self._path.with_name(f".{MESSAGES}.part"))
        calls = None if failed is None else Calls(failed)
        dropped = 0
        own, proxys = in_order(read_records(self._path)), in_order(_read_proxys(self._proxys))
        for record in heapq.merge(own, proxys, key=lambda record: record.at):
            if calls is None or record.data in calls:
                fresh.add(record)
            else:
                dropped += 1
        fresh.replace(self._path)
        return fresh.count, dropped


def _read_proxys(path: Path) -> Iterator[Record]:
    """The messages of the proxy's log; nothing where there is none."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            with suppress(ValueError):  # half a line, where the proxy found no room
                yield message_of_line(json.loads(line))


def message_of_line(line: Mapping[str, str | float]) -> Record:
    """The message of a line of the proxy's log."""
    text = line.get("message")
    return Record(
        float(line["at"]),
        datetime.fromisoformat(str(line["timestamp"])).timestamp(),
        True,
        str(line["transport"]),
        read_address(str(line["from"])),
        read_address(str(line["to"])),
        b64decode(str(line["base64"])) if text is None else str(text).encode(),
    )

"""The file of messages: read as it was written, however much of it there is."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from simulator.results.message_file import MessageFile, Record, read_records

HEAD = struct.Struct("<IIBdd")
CALLER, PROXY = ("127.0.0.1", 5061), ("::1", 5060)


def read(path: Path) -> list[tuple[object, ...]]:
    """The content of the file, without the time of day."""
    return [(each.at, *each[2:]) for each in read_records(path)]


def test_messages_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    file = MessageFile(path)
    proxied, direct = file.hearing(proxied=True), file.hearing(proxied=False)
    proxied(1.5, b"INVITE", "udp", CALLER, PROXY)
    direct(2.5, b"\xff\x00", "tls", PROXY, CALLER)
    file.flush()
    proxied(3.5, b"ACK", "udp", CALLER, PROXY)
    file.close()
    assert (file.count, file.lost, file.why) == (3, 0, "")
    assert read(path) == [
        (1.5, True, "udp", CALLER, PROXY, b"INVITE"),
        (2.5, False, "tls", PROXY, CALLER, b"\xff\x00"),
        (3.5, True, "udp", CALLER, PROXY, b"ACK"),
    ]
    moments = [each.since_1970 - each.at for each in read_records(path)]
    assert max(moments) - min(moments) < 1.0
    assert isinstance(next(read_records(path)), Record)


def test_a_cut_costs_one_record(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    file = MessageFile(path)
    hear = file.hearing(proxied=True)
    ends = []
    for number in range(4):
        hear(number, b"INVITE %d" % number, "udp", CALLER, PROXY)
        file.flush()
        ends.append(path.stat().st_size)
    file.close()
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert len(read(path)) == sum(end <= size for end in ends)


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "messages").write_bytes(b"ringfence messages 9\n")
    with pytest.raises(FileErrors, match=r'found "ringfence messages 9", expected "ringfence messages 1"'):
        next(read_records(tmp_path / "messages"))
    assert list(read_records(tmp_path / "none")) == []


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(HEAD.pack(3, 7, 1, 1.0, 1.0) + b"ACK", id="addresses that were never told"),
        pytest.param(HEAD.pack(3, 0, 9, 1.0, 1.0) + b"ACK", id="an unknown kind"),
        pytest.param(HEAD.pack(3, 0, 1, 1.0, float("nan")) + b"ACK", id="no time of day"),
        pytest.param(HEAD.pack(3, 0, 1, 1.0, 1e300) + b"ACK", id="a time of day after all days"),
        pytest.param(HEAD.pack(0xFFFFFFFF, 0, 1, 1.0, 1.0) + b"ACK", id="a message of four gigabytes"),
        pytest.param(HEAD.pack(2, 0, 0, 0.0, 0.0) + b"{}", id="addresses without any"),
        pytest.param(HEAD.pack(3, 0, 0, 0.0, 0.0) + b"\xff[]", id="addresses in no JSON"),
        pytest.param(HEAD.pack(28, 0, 0, 0.0, 0.0) + b'["udp",["x",1],["::1",5060]]', id="a name for an address"),
        pytest.param(HEAD.pack(32, 0, 0, 0.0, 0.0) + b'["udp",["::1",1],["::1",506000]]', id="a port beyond all ports"),
    ],
)
def test_what_is_no_record_is_told_with_its_place(tmp_path: Path, record: bytes) -> None:
    path = tmp_path / "messages"
    path.write_bytes(b"ringfence messages 1\n" + record)
    with pytest.raises(FileErrors, match="messages: damaged: no record begins at byte 21"):
        list(read_records(path))

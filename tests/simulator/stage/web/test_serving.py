"""Connections that say nothing, or read nothing: they are cut off, few at a time, and pages go on."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from simulator.stage.events import Notice
from simulator.stage.web import serving
from tests.plays.proxy_process import eventually
from tests.plays.stage import StagePlay


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little patience, so that no test waits for long."""
    monkeypatch.setattr(serving, "PATIENCE", 0.2)
    monkeypatch.setattr(serving, "STANDSTILL", 0.2)
    monkeypatch.setattr(serving, "KEPT", 0.2)


def connected(stage: StagePlay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", stage.port), timeout=20)


def is_cut_off(stranger: socket.socket) -> bool:
    """True once all that was sent has been read, and no more comes."""
    try:
        while stranger.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost:",
        b"POST /api/rule HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n",
        b"GET /static/mark.svg HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\nGET",
    ],
    ids=["nothing", "half a head", "half a body", "half of a second request"],
)
def test_who_never_says_all_of_a_request_is_cut_off(stage: StagePlay, said: bytes) -> None:
    with connected(stage) as stranger:
        stranger.sendall(said.replace(b"%d", str(stage.port).encode()))
        assert is_cut_off(stranger)
    stage.get("/api/state")


@pytest.mark.usefixtures("hasty")
def test_a_page_that_reads_nothing_loses_its_connection(stage: StagePlay) -> None:
    with connected(stage) as idle:
        before = stage.within(lambda: stage.stage.hub.followers)
        idle.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\n\r\n".encode())
        eventually(lambda: stage.within(lambda: stage.stage.hub.followers) > before)
        notice = Notice(0.0, "info", {"en": "x" * 100_000, "zh": "x"})
        for _ in range(300):
            stage.within(lambda: stage.stage.hub.publish(notice))
        eventually(lambda: stage.within(lambda: stage.stage.hub.followers) == before)


@pytest.mark.usefixtures("hasty")
def test_a_page_that_listens_and_reads_stays(stage: StagePlay) -> None:
    with stage.events() as events:
        next(events)
        with connected(stage) as stranger:
            assert is_cut_off(stranger)  # whose time began later
        stage.within(lambda: stage.stage.hub.publish(Notice(0.0, "info", {"en": "still here", "zh": "x"})))
        assert next(each for name, each in events if name == "notice")["words"]["en"] == "still here"


def test_one_address_has_so_many_connections_and_no_more(stage: StagePlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "FROM_ONE", 5)
    with ExitStack() as many:
        strangers = [many.enter_context(connected(stage)) for _ in range(5)]
        with connected(stage) as one_more:
            assert is_cut_off(one_more)
        assert strangers
    eventually(lambda: stage.ask("GET", "/static/mark.svg")[0] == 200)


def test_who_goes_amid_a_request_leaves_no_error_on_the_trainers_terminal(
    stage: StagePlay, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /api/rule HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: 9\r\n\r\n"
    with connected(stage) as stranger:
        stranger.sendall(head % stage.port + b"{")
    for _ in range(3):
        stage.get("/api/state")
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []

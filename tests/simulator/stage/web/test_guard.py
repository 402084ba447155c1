"""The doors of the pages: who comes in, with what, and what a browser is told about the answers."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import pytest

from simulator.stage.web.guard import LARGEST, PER_SECOND, Rates
from tests.plays.stage import JSON, StagePlay, standing_stage

TOKEN = "a-token-that-nobody-guesses"
ELSEWHERE = "127.0.0.37"
CALL = b'{"id": "cold-call", "to": "alice"}'


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    with standing_stage(tmp_path_factory.mktemp("shared"), token=TOKEN) as play:
        yield play


def raw(stage: StagePlay, request: bytes) -> bytes:
    """Send a request, the last one of its connection; what comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", stage.port), timeout=20) as connection:
        connection.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        found = b""
        while data := connection.recv(65536):
            found += data
        return found


# --- Host and Origin


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80", ""])
def test_another_host_is_not_served_as_its_name_may_lead_here(stage: StagePlay, host: str) -> None:
    status, _, body = stage.ask("GET", "/api/state", headers={"Host": host})

    assert status == 421
    assert b"alice" not in body


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_every_name_of_ours_is_served(stage: StagePlay, name: str) -> None:
    assert stage.ask("GET", "/api/state", headers={"Host": f"{name}:{stage.port}"})[0] == 200


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/events", "/static/stage.js"])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example"]
)
def test_another_origin_gets_nothing(stage: StagePlay, path: str, origin: str) -> None:
    assert stage.ask("GET", path, headers={"Origin": origin})[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_another_origin_changes_nothing(stage: StagePlay, origin: str) -> None:
    before = len(stage.get("/api/state")["calls"])

    assert stage.ask("POST", "/api/family", CALL, {**JSON, "Origin": origin})[0] == 403

    assert len(stage.get("/api/state")["calls"]) == before


def test_another_site_embeds_nothing_even_where_its_browser_sends_no_origin(stage: StagePlay) -> None:
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert stage.ask("GET", "/api/state", headers=embedded)[0] == 403
    assert stage.ask("GET", "/", headers=followed)[0] == 200  # a link


def test_our_own_page_may_ask(stage: StagePlay) -> None:
    origin = f"http://127.0.0.1:{stage.port}"
    headers = {**JSON, "Origin": origin, "Sec-Fetch-Site": "same-origin"}

    assert stage.ask("POST", "/api/family", CALL, headers)[0] == 200


@pytest.mark.parametrize("name", ["Host", "Origin"])
def test_a_header_that_decides_may_not_be_there_twice(stage: StagePlay, name: str) -> None:
    ours = {"Host": f"127.0.0.1:{stage.port}", "Origin": f"http://127.0.0.1:{stage.port}"}
    lines = "".join(f"{key}: {value}\r\n" for key, value in ours.items())
    twice = f"GET /api/state HTTP/1.1\r\n{lines}{name}: http://evil.example\r\n\r\n".encode()

    assert raw(stage, twice).startswith(b"HTTP/1.1 400 ")


# --- what is sent


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_of_another_page_changes_nothing(stage: StagePlay, kind: str) -> None:
    assert stage.ask("POST", "/api/family", CALL, {"Content-Type": kind})[0] == 415


@pytest.mark.parametrize("body", [b"", b"[]", b"3", b"{", b'"x"', b"[" * 50_000, b"\xff\xfe", b'{"id": "cold-call"}'])
def test_a_body_that_is_no_object_with_its_keys_is_refused(stage: StagePlay, body: bytes) -> None:
    status, _, answer = stage.ask("POST", "/api/family", body, JSON)

    assert status == 400
    assert json.loads(answer)["error"]


def test_a_large_body_is_refused_by_its_length(stage: StagePlay) -> None:
    request = (
        f"POST /api/family HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {LARGEST + 1}\r\n\r\n"
    )

    assert raw(stage, request.encode()).startswith(b"HTTP/1.1 413 ")


def test_a_large_body_is_refused_that_says_no_length(stage: StagePlay) -> None:
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    request = (
        f"POST /api/family HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )

    assert raw(stage, request.encode() + chunk * 3).startswith(b"HTTP/1.1 413 ")


def test_endless_headers_are_refused(stage: StagePlay) -> None:
    answer = raw(stage, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 100_000)

    assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


def test_who_asks_for_too_many_changes_waits_whoever_they_say_they_are(stage: StagePlay) -> None:
    head = f"POST /api/rule HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 2"
    asked = "".join(f"{head}\r\nX-Forwarded-For: 192.0.2.{number}\r\n\r\n{{}}" for number in range(250))
    found = b""
    with socket.create_connection(("127.0.0.1", stage.port), timeout=20, source_address=(ELSEWHERE, 0)) as connection:
        connection.sendall(asked.encode())  # at once: one after the other they may be slow enough
        while b"HTTP/1.1 429 " not in found:
            data = connection.recv(65536)
            assert data, found[-200:]
            found += data

    statuses = re.findall(rb"HTTP/1.1 (\d+)", found)
    assert set(statuses[: statuses.index(b"429")]) == {b"400"}
    assert stage.ask("GET", "/api/state", source=ELSEWHERE)[0] == 200  # looking costs nothing
    assert stage.ask("POST", "/api/rule", b"{}", JSON)[0] == 400  # as it is another address


def test_the_rate_is_one_of_each_address_and_comes_back_with_time() -> None:
    rates = Rates(PER_SECOND, at_once=2)

    assert [rates.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert rates.take("b", 0.0)
    assert rates.take("a", 1 / PER_SECOND)
    assert not rates.take("a", 1 / PER_SECOND)


def test_many_addresses_take_no_memory() -> None:
    rates = Rates(1, 1)

    for number in range(5000):
        rates.take(str(number), 0.0)

    assert len(rates._left) <= 1000


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_do_nothing(stage: StagePlay, method: str) -> None:
    assert stage.ask(method, "/api/family", CALL, JSON)[0] == 405


# --- what a browser is told


@pytest.mark.parametrize("path", ["/", "/api/state", "/static/stage.js", "/nothing"])
def test_a_strict_policy_goes_with_every_answer(stage: StagePlay, path: str) -> None:
    _, headers, _ = stage.ask("GET", path)

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


def test_refusals_have_the_policy_too(stage: StagePlay) -> None:
    _, headers, _ = stage.ask("GET", "/", headers={"Host": "evil.example"})

    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["/static/../stage.py", "/static/%2e%2e/stage.py", "/static/..%2fstage.py", "/static//etc/passwd", "/static/"],
)
def test_nothing_but_static_files_is_served(stage: StagePlay, path: str) -> None:
    assert raw(stage, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\n\r\n".encode()).startswith(
        b"HTTP/1.1 404"
    )


# --- the token


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/events", "/static/stage.js", "/?token=wrong", "/?token="])
def test_without_the_token_nobody_comes_in(shared: StagePlay, path: str) -> None:
    status, headers, body = shared.ask("GET", path)

    assert status == 401
    assert "set-cookie" not in headers
    assert TOKEN.encode() not in body


def test_the_token_of_the_address_becomes_a_cookie_of_this_site_alone(shared: StagePlay) -> None:
    status, headers, _ = shared.ask("GET", f"/?token={TOKEN}&lesson=1")

    assert (status, headers["location"]) == (303, "/?lesson=1")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    sent = {"Cookie": cookie.partition(";")[0]}
    assert shared.ask("GET", "/api/state", headers=sent)[0] == 200
    assert shared.ask("POST", "/api/family", CALL, {**JSON, **sent})[0] == 200


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "/%0d%0aX: y"])
def test_the_way_on_leads_nowhere_else(shared: StagePlay, path: str) -> None:
    request = f"GET {path}?token={TOKEN} HTTP/1.1\r\nHost: 127.0.0.1:{shared.port}\r\n\r\n"

    answer = raw(shared, request.encode()).lower()

    location = answer.partition(b"location: ")[2].partition(b"\r\n")[0]
    assert not location.startswith((b"//", b"/\\", b"http"))
    assert b"\r\nx: y" not in answer


def test_a_program_may_send_the_token_in_a_header(shared: StagePlay) -> None:
    assert shared.ask("GET", "/api/state", headers={"Authorization": f"Bearer {TOKEN}"})[0] == 200
    assert shared.ask("GET", "/api/state", headers={"Authorization": "Bearer x"})[0] == 401


def test_the_token_does_not_change_anything_by_itself(shared: StagePlay) -> None:
    assert shared.ask("POST", f"/api/family?token={TOKEN}", CALL, JSON)[0] == 401


def test_a_shared_stage_is_served_under_its_address_whatever_that_is(shared: StagePlay) -> None:
    sent = {"Authorization": f"Bearer {TOKEN}"}

    assert shared.ask("GET", "/api/state", headers={**sent, "Host": f"192.0.2.7:{shared.port}"})[0] == 200
    assert shared.ask("GET", "/api/state", headers={**sent, "Host": "evil.example"})[0] == 421

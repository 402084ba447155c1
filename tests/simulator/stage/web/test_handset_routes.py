"""The requests of a handset's page, its line and those who scan its code, and those that are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from simulator.stage.web.guests import guest_token
from tests.plays.handset_line import WITHIN, handset_line
from tests.plays.proxy_process import eventually
from tests.plays.stage import JSON, StagePlay, standing_stage

TOKEN = "the-stage-s-own"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    with standing_stage(tmp_path_factory.mktemp("shared"), token=TOKEN) as play:
        yield play


def refused(stage: StagePlay, path: str, **keys: object) -> tuple[int, str]:
    """The status and the reason with which a change is refused."""
    status, _, body = stage.ask("POST", path, json.dumps(keys).encode(), JSON)
    return status, json.loads(body)["error"]


def send_for_ever(stage: StagePlay, data: str | bytes) -> None:
    with handset_line(stage, "alice") as line:
        for _ in range(2000):
            line.say(data)
        while True:
            line.hear()


def test_the_pages_are_there_and_no_page_is_for_a_phone_that_there_is_not(stage: StagePlay) -> None:
    for path in ("/phone/alice", "/apps", "/static/handset.js", "/static/handset.zh.json"):
        assert stage.ask("GET", path)[0] == 200, path
    for path in ("/phone/mallory", "/api/phones/mallory", "/api/qr/mallory", "/api/sound/proxy.yaml"):
        assert stage.ask("GET", path)[0] == 404, path


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"do": "answer"}, "nothing rings"),
        ({"do": "explode"}, "expected one of hold, answer"),
        ({"do": None}, "expected one of"),
        ({"do": "dial"}, "number: expected a text"),
        ({"do": "dial", "number": 5}, "number: expected a text"),
        ({"do": "text", "to": "10086", "body": ["x"]}, "body: expected a text"),
        ({"do": "allow", "number": "+12025550111"}, "no notice"),
    ],
)
def test_what_a_phone_cannot_do_is_refused_with_the_reason(stage: StagePlay, told: dict[str, object], why: str) -> None:
    status, said = refused(stage, "/api/phones/alice", **told)
    assert status == 422
    assert why in said


def test_apps_are_reported_warned_of_and_forgotten(stage: StagePlay) -> None:
    assert stage.post("/api/apps/alice", apps=["Weather", "SafeDesk Remote"])["warnings"] == [
        {"name": "SafeDesk Remote", "why": "remote_control"}
    ]
    assert stage.get("/api/app-list")["reporting"] == ["alice"]
    stage.post("/api/app-list", apps=[{"name": "Weather", "why": "other"}])
    assert stage.get("/api/phones/alice")["apps"]["warnings"] == [{"name": "Weather", "why": "other"}]
    assert stage.post("/api/apps/alice", off=True) == {"reported": None, "warnings": []}
    assert stage.get("/api/app-list")["reporting"] == []
    assert refused(stage, "/api/apps/alice", apps="Weather")[0] == 422
    assert refused(stage, "/api/app-list", apps=[{"name": "Weather"}])[0] == 422
    assert refused(stage, "/api/app-list")[0] == 400


def test_the_code_leads_to_the_handset(stage: StagePlay, shared: StagePlay) -> None:
    assert stage.get("/api/share") == {
        "shared": False,
        "phones": {name: f"http://127.0.0.1:{stage.port}/phone/{name}" for name in ("alice", "bob", "carol")},
    }
    status, headers, body = stage.ask("GET", "/api/qr/alice")
    assert (status, headers["content-type"]) == (200, "image/svg+xml")
    assert body.startswith((b"<?xml", b"<svg"))
    own = {"Authorization": f"Bearer {TOKEN}"}
    told = json.loads(shared.ask("GET", "/api/share", headers=own)[2])
    assert told["shared"] is True
    assert told["phones"]["alice"].endswith(f"/phone/alice?token={guest_token(TOKEN, 'alice')}")
    assert TOKEN not in str(told)


def test_a_guest_gets_the_phone_of_the_code_and_nothing_else(shared: StagePlay) -> None:
    token = guest_token(TOKEN, "alice")
    status, headers, _ = shared.ask("GET", f"/phone/alice?token={token}")
    assert (status, headers["location"]) == (303, "/phone/alice")
    assert all(word in headers["set-cookie"] for word in ("HttpOnly", "SameSite=Strict", "-phone-"))
    cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}
    assert TOKEN not in cookie["Cookie"]
    for path in ("/phone/alice", "/static/handset.css", "/api/phones/alice"):
        assert shared.ask("GET", path, headers=cookie)[0] == 200, path
    for path in ("/", "/phone/bob", "/api/phones/bob", "/api/state", "/api/events", "/api/share", "/api/app-list"):
        assert shared.ask("GET", path, headers=cookie)[0] == 401, path
    for path in ("/api/call", "/api/settings", "/api/phones/bob", "/api/apps/bob", "/api/app-list", "/api/voices"):
        assert shared.ask("POST", path, b"{}", cookie | JSON)[0] == 401, path
    assert shared.ask("POST", "/api/apps/alice", b'{"off": true}', cookie | JSON)[0] == 200
    with handset_line(shared, "alice", cookie=cookie["Cookie"]) as line:
        assert line.phone["name"] == "alice"
    with pytest.raises(InvalidStatus), handset_line(shared, "bob", cookie=cookie["Cookie"]):
        pass


def test_one_browser_has_the_phones_of_several_codes(shared: StagePlay) -> None:
    cookies: dict[str, str] = {}
    for name in ("alice", "bob"):
        kept = {"Cookie": "; ".join(cookies.values())}
        _, headers, _ = shared.ask("GET", f"/phone/{name}?token={guest_token(TOKEN, name)}", headers=kept)
        cookie = headers["set-cookie"].partition(";")[0]
        cookies[cookie.partition("=")[0]] = cookie
    both = {"Cookie": "; ".join(cookies.values())}
    for path in ("/phone/alice", "/phone/bob", "/api/phones/alice", "/api/phones/bob", "/static/handset.js"):
        assert shared.ask("GET", path, headers=both)[0] == 200, path
    for path in ("/phone/carol", "/api/phones/carol", "/", "/api/state"):
        assert shared.ask("GET", path, headers=both)[0] == 401, path
    with (
        handset_line(shared, "alice", cookie=both["Cookie"]),
        handset_line(shared, "bob", cookie=both["Cookie"]) as line,
    ):
        assert line.phone["name"] == "bob"


def test_the_token_of_another_phone_opens_nothing(shared: StagePlay) -> None:
    token = guest_token(TOKEN, "bob")
    assert shared.ask("GET", f"/phone/alice?token={token}")[0] == 401
    assert shared.ask("GET", f"/?token={token}")[0] == 401
    assert shared.ask("GET", "/phone/alice", headers={"Cookie": f"ringfence-{shared.port}={token}"})[0] == 401
    assert shared.ask("GET", "/phone/alice?token=" + "x" * 3000)[0] == 401


@pytest.mark.parametrize("origin", ["http://evil.example", None, "null"])
def test_no_other_site_gets_a_line(stage: StagePlay, origin: str | None) -> None:
    url = f"ws://127.0.0.1:{stage.port}/api/phones/alice/line"
    with pytest.raises(InvalidStatus), connect(url, origin=Origin(origin) if origin else None, open_timeout=WITHIN):
        pass


def test_there_is_no_line_to_a_phone_that_there_is_not(stage: StagePlay) -> None:
    with pytest.raises(ConnectionClosed) as closed, handset_line(stage, "mallory"):
        pass
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("nonsense", "found no JSON"),
        ("[1]", "expected a JSON object"),
        ('{"do": {"x": 1}}', "do: expected one of"),
        ("[" * 5000, "found no JSON"),
        ('{"do": "press", "keys": "x"}', "expected keys"),
    ],
)
def test_a_line_answers_nonsense_and_goes_on(stage: StagePlay, said: str, answer: str) -> None:
    with handset_line(stage, "alice") as line:
        line.say(b"sound that nobody hears")
        line.say(b"")
        line.say(said)
        line.until(lambda line: line.errors)
        assert answer in line.errors[0]
        line.tell("hold", on=False)
        line.until(lambda line: not line.phone["held"])


@pytest.mark.parametrize("flood", [b"x" * 320, '{"do": "hold"}', b"x" * 20_000])
def test_a_page_that_sends_too_much_is_let_go_and_the_phone_is_put_down(stage: StagePlay, flood: str | bytes) -> None:
    with pytest.raises(ConnectionClosed):
        send_for_ever(stage, flood)
    eventually(lambda: not stage.get("/api/phones/alice")["held"])


def test_a_page_that_goes_in_the_middle_of_a_call_can_come_back_to_it(stage: StagePlay, tmp_path: Path) -> None:
    with handset_line(stage, "bob") as line:
        call = stage.post("/api/call", **{"from": "+8613900139001", "trunk": "domestic", "to": "bob"})["id"]
        line.until_state("ringing")
        line.tell("answer")
        line.until_state("talking")
    with handset_line(stage, "bob") as line:
        assert line.phone["state"] == "talking"
        line.until(lambda line: line.sound)
        line.tell("hang_up")
        line.until_state("idle")
    assert stage.ended(call)["outcome"] == "passed"

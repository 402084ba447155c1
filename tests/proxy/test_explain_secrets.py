"""`ringfence explain` with the proxy's secret: requests of dialogs, and credentials."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.core.flow_tokens import FlowTokens
from proxy.core.keys import Keys
from proxy.identity.authentication import Authenticator, ProxyAuthenticationRequired
from proxy.process.secret_file import load_secret
from proxy.sip.flow import Flow
from proxy.sip.message import Request
from simulator.agents.digest import answer_challenge
from tests.plays.explaining import INVITE, Desk, explained_text


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def within_a_dialog(desk: Desk, call_id: str = "1@127.0.1.1") -> str:
    """A text of the trunk in a dialog with alice: by the token in its Route, where that is of this call."""
    token = FlowTokens(Keys.derive(load_secret(desk.folder / "ringfence.secret")).flow_tokens).make(
        Flow("udp", "127.0.1.1", 5060, 0), call_id, "+8613800138001"
    )
    reinvite = INVITE.format(caller="+6591234567", callee="+8613800138001").replace("<sip:+8613800138001", "<sip:x")
    route = f"Route: <sip:{token}@127.0.0.1:5060;lr>\n"
    return reinvite.replace("Content-Length", f"{route}Content-Length").replace("@127.0.0.1>\n", "@127.0.0.1>;tag=2\n")


def test_by_the_secret_file_a_request_of_a_dialog_is_known_and_by_another_one_not(desk: Desk) -> None:
    text = within_a_dialog(desk)
    explained = explained_text(desk, text)
    assert (explained["action"], explained["status"], explained["rule"]) == ("allow", None, None)
    assert explained["reason"] == "it belongs to a dialog, and what began that was judged"
    (desk.folder / "ringfence.secret").unlink()
    assert explained_text(desk, text)["rule"] == "subscriber.allow"
    assert not (desk.folder / "ringfence.secret").exists()  # to explain makes nothing


def test_a_secret_that_cannot_be_read_is_told_and_a_broken_one_is_an_error(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_secret(desk.folder / "ringfence.secret")

    def may_not(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("proxy.explain.read_secret", may_not)
        explained = desk.explain("+6591234567", "+8613800138001")
    assert explained["assumed"] == "nothing in the request was made by this proxy: its secret_file cannot be read"
    (desk.folder / "ringfence.secret").write_text("my notes")
    status, _, err = desk.run("--trunk", "international", str(desk.folder / "invite.sip"))
    assert status == 2
    assert "expected 64 hexadecimal digits" in err


def with_answer(desk: Desk, password: str, age: float = 0.0) -> str:
    """Bob's call, with his answer to a challenge that is some seconds old."""
    keys = Keys.derive(load_secret(desk.folder / "ringfence.secret"))
    with pytest.raises(ProxyAuthenticationRequired) as asked:
        Authenticator("ringfence.example", 60.0, key=keys.nonces).authenticate(
            Request.build("INVITE", "sip:10086@127.0.0.1", []), lambda _: None, time.monotonic() - age, "127.0.4.1"
        )
    challenges = [value for _, value in asked.value.headers]
    answer = answer_challenge(challenges, "INVITE", "sip:10086@127.0.0.1", "bob", password)
    invite = INVITE.format(caller="bob", callee="10086")
    return invite.replace("Content-Length", f"Proxy-Authorization: {answer}\nContent-Length")


def test_credentials_count_as_they_would_at_the_proxy(desk: Desk) -> None:
    right = explained_text(desk, with_answer(desk, "b0b"), trunk="desks")
    assert (right["action"], right["rule"]) == ("allow", "default.allow")
    assert right["caller"]["e164"] == "+8613800138002"
    assert right["assumed"] == "the challenge was not answered with these credentials before"
    wrong = explained_text(desk, with_answer(desk, "guess"), trunk="desks")
    assert (wrong["status"], wrong["reason"]) == (407, "the credentials are wrong")
    old = explained_text(desk, with_answer(desk, "b0b", age=61.0), trunk="desks")
    assert old["status"] == 407
    assert old["reason"].startswith("the credentials answer no challenge of this proxy's, or one too old at that time")
    named = explained_text(desk, with_answer(desk, "b0b", age=61.0), "--as", "bob", trunk="desks")
    assert (named["action"], named.get("assumed")) == ("allow", None)


def test_answers_of_a_minute_ago_count_at_that_time(desk: Desk) -> None:
    at = datetime.fromtimestamp(time.time() - 61.0, UTC).isoformat()
    explained = explained_text(desk, with_answer(desk, "b0b", age=61.0), "--at", at, trunk="desks")
    assert explained["action"] == "allow"

"""`ringfence explain` says of a request what the running core does with it: held for 2,800 requests of all sorts,
those within dialogs with genuine tokens, answers to challenges and what the softswitch sends to phones included."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.config.models import ProxyConfig, load_config
from proxy.core.flow_tokens import FlowTokens
from proxy.core.keys import Keys
from proxy.core.proxy_core import ProxyCore
from proxy.core.questions import Ask
from proxy.core.time_of_day import TimeOfDay
from proxy.explain import explain
from proxy.policy.engine import Policy
from proxy.policy.remote import Lookup, Opinion, Reputon
from proxy.process.loading import core_settings, load_overlay, load_snapshot, make_desk
from proxy.process.reading import read
from proxy.sip.flow import Flow
from proxy.sip.message import Response, parse
from simulator.agents.digest import answer_challenge
from tests.plays.dialogue import request, taken, written

CONFIG = """\
listen: [udp:127.0.0.1:5060, tcp:127.0.0.1:5060]
softswitch: udp:127.0.0.9:5080
home: {home}
preset: {preset}
domains: [ringfence.example]
softswitch_calls: {legs}
trunks:
  international: {{match: [127.0.1.0/24], kind: international, trust_identity: true}}
  domestic: {{match: [127.0.2.0/24], kind: domestic, trust_identity: true, refer: in_dialog}}
  shady: {{match: [127.0.3.0/24], kind: international}}
  phones: {{match: [127.0.4.0/24], kind: access}}
  desks: {{match: [127.0.5.0/24], kind: access, auth: digest}}
subscribers: subscribers.yaml
treatments:
  anonymous.reject: {{reject: "433"}}
  barring.incoming_international: {{reject: "603", announce: barred}}
{more}"""
ASKING = 'reputation: {desk: {url: "https://desk.example/{e164}", callers: all, on_failure: block}}\n'
PEOPLE = """\
subscribers:
  - {number: "+8613800138001", user: alice, password: s3cret, allow: ["+6591234567"],
     barring: {incoming_international: on, anonymous: on}}
  - {number: "+8613800138002", user: bob, password: s3cret, pin: "2580", block: ["+1900*", "+8613800138003"],
     barring: {outgoing_international: on}}
  - {number: "+8613800138003", user: carol, password: s3cret, roaming: yes, notify: yes,
     barring: {all_outgoing: on, incoming_when_roaming: on}}
"""
SOURCES = {
    "international": "127.0.1.1",
    "domestic": "127.0.2.1",
    "shady": "127.0.3.1",
    "phones": "127.0.4.1",
    "desks": "127.0.5.1",
    "softswitch": "127.0.0.9",
}
PORTS = {"softswitch": 5080}
NOW, THEN = 1000.0, 1.8e9  # one moment, on the proxy's clock and since 1970
CREDENTIALS = ["right"] * 4 + ["of another"] * 2 + ["wrong", "stale", "foreign", "elsewhere", "broken", "other realm"]
NUMBERS = [
    *("+8613800138001", "+8613800138002", "+8613800138003", "13800138002", "008613800138001", "+6591234567"),
    *("006591234567", "+19005550100", "+442079460123", "01012345678", "+861012345678", "110", "112", "10086", "96110"),
    *(
        "alice",
        "bob",
        "anonymous",
        "",
        "95588/",
        "1,2",
        "%2B8613800138001",
        "+86138%200138001",
        "*354%23",
        "*354*2580%23",
    ),
    *("rf*play*barred", "+44(0)2079460123", "13125550143", "+8613800138001;phone-context=x", "7000"),
]
HOSTS = ["ringfence.example"] * 6 + [
    "127.0.0.1",
    "127.0.0.1:5060",
    "elsewhere.example",
    "anonymous.invalid",
    "127.0.0.9:5080",
]
TAGS = [";tag=f"] * 12 + [";tag=f;", ";tag=", "", ";tag=f;x", ' ;tag="f"']
ROUTES = [""] * 14 + [
    "<sip:ringfence.example;lr>",
    "<sip:127.0.0.1:5060;lr>",
    "<sip:192.0.2.9;lr>",
    "<sip:127.0.0.1:5060;lr>, <sip:192.0.2.9;lr>",
    "<sip:udp.0.5071.127.0.1.1~00@127.0.0.1:5060;lr>",
    "nonsense",
]
MORE = [
    ("Privacy", "id"),
    ("Privacy", "none"),
    ("P-Asserted-Identity", "<sip:+6591234567@x>"),
    ("P-Asserted-Identity", '"Jo" <sip:+8613800138003@x>, <tel:+8613800138003>'),
    ("P-Asserted-Identity", "<<"),
    ("Remote-Party-ID", "<sip:+861012345678@x>;privacy=full"),
    ("P-Preferred-Identity", "<sip:+6591234567@x>"),
    ("Diversion", "<sip:+8613800138003@x>"),
    ("P-Called-Party-ID", "<sip:+8613800138001@x>"),
    ("History-Info", "<sip:+8613800138002@x>;index=1, <sip:+8613800138003@x>;index=1.1"),
    ("Priority", "psap-callback"),
    ("Proxy-Require", "x"),
    ("Max-Forwards", "0"),
    ("Max-Forwards", "x"),
    ("Max-Breadth", "0"),
    ("Require", "100rel"),
    ("Content-Type", "text/html"),
    ("Feature-Caps", "*;+sip.608"),
]
SECRET = b"secret" * 5 + b"32"
TOKENS = FlowTokens(Keys.derive(SECRET).flow_tokens)
PASSWORD = "s3cret"
UNPROVEN = request("MESSAGE", Flow("udp", SOURCES["desks"], 5070, 0), branch="z9hG4bK-unproven", call_id="unproven")
TEXTS = ["hello", "STATUS", "QXGJLH", "BLOCK +1900*", ""]


class Requests:
    """Makes requests of all sorts, the same ones from the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._count = 0

    def __iter__(self) -> Iterator[tuple[str, list[str], bytes]]:
        """Trunk, header lines from the start line on, and body, without end."""
        while True:
            yield self._next()

    def _uri(self) -> str:
        pick = self._random.choice
        number = pick(NUMBERS)
        scheme = pick(["sip"] * 12 + ["sips", "tel", "http", "urn:service:sos"])
        if scheme in ("tel", "urn:service:sos"):
            return f"tel:{number}" if scheme == "tel" else scheme
        return f"{scheme}:{number}@{pick(HOSTS)}" if number else f"{scheme}:{pick(HOSTS)}"

    def _leg_uri(self) -> str:
        """The Contact of a phone, or what else a softswitch may send to."""
        pick = self._random.choice
        place = pick([SOURCES["phones"]] * 4 + [SOURCES["desks"]] * 4 + [SOURCES["international"], "192.0.2.1", "x"])
        return f"sip:{pick(NUMBERS[:3] * 6 + NUMBERS[:12])}@{place}:5070"

    def credentials(self) -> str:
        """A kind of credentials, or none."""
        return self._random.choice(CREDENTIALS) if self._random.random() < 0.6 else ""

    def _next(self) -> tuple[str, list[str], bytes]:
        pick = self._random.choice
        self._count += 1
        trunk, count = pick(list(SOURCES)), self._count
        port = PORTS.get(trunk, 5070)
        method = pick(["INVITE"] * 5 + ["MESSAGE"] * 3 + ["REFER"] * 2)
        text = pick(TEXTS) if method == "MESSAGE" else ""
        lines = [
            f"{method} {self._leg_uri() if trunk == 'softswitch' else self._uri()} SIP/2.0",
            f"Via: SIP/2.0/UDP {SOURCES[trunk]}:{port};branch=z9hG4bK-{count}",
            f"From: {pick(['', '', 'Jo', chr(34) + 'Bank 95588' + chr(34)])} <{self._uri()}>{pick(TAGS)}".replace(
                ":  ", ": "
            ),
            f"To: <{self._uri()}>{pick(['', '', '', '', '', ';tag=x'])}",
            f"Call-ID: call-{count}",
            f"CSeq: 1 {method}",
        ]
        if trunk == "desks" and self._random.random() < 0.7:
            lines[0] = f"{method} sip:{pick(NUMBERS)}@ringfence.example SIP/2.0"
            lines[2] = f"From: <sip:{pick([*PROVE, *PROVE.values()])}@ringfence.example>;tag=f"
        within = 0.15 if method == "INVITE" else 0.3
        if self._random.random() < within:  # a dialog, with To the one it is with, or not
            other = pick(NUMBERS[:8])
            lines[3] = f"To: <sip:{pick([other, other, pick(NUMBERS)])}@ringfence.example>;tag=x"
            flow = Flow("udp", SOURCES[pick([trunk, trunk, trunk, "domestic"])], 5070, 0)
            token = TOKENS.make(flow, pick([f"call-{count}"] * 4 + ["another"]), other)
            lines.append(f"Route: <sip:{token}@127.0.0.1:5060;lr>")
        elif route := pick(ROUTES):
            lines.append(f"Route: {route}")
        if method == "REFER":
            lines.append(f"Refer-To: <{self._uri()}>")
        lines += [f"{name}: {value}" for name, value in self._random.sample(MORE, pick([0, 0, 1, 1, 2, 3]))]
        if self._random.random() < 0.05:
            lines.pop(self._random.randrange(1, len(lines)))
        return trunk, [*lines, f"Content-Length: {len(text)}"], text.encode()


def opinion(lookup: Lookup) -> Opinion:
    """The opinion of a source about a number: good, bad or none, by its last digit."""
    said = int(lookup.number[-1]) % 3
    return (Opinion(), Opinion((Reputon("fraud", 0.9),)), Opinion(failure="HTTP 500"))[said]


class Ground:
    """The parts of a core as `ringfence proxy` would run it; orders of subscribers change them, nothing else does."""

    def __init__(self, config: ProxyConfig) -> None:
        self.config = config
        self.overlay = load_overlay(config)
        self.policy = Policy(load_snapshot(config, self.overlay))
        self.settings = replace(core_settings(config, 0.0), clock=TimeOfDay(THEN - NOW))

    def core(self, secret: bytes) -> ProxyCore:
        """A new core: no order, notice or nonce of before counts."""
        if self.overlay.count:
            self.overlay = load_overlay(self.config)
            self.policy = Policy(load_snapshot(self.config, self.overlay))
        return ProxyCore(self.settings, self.policy, secret, make_desk(self.config, self.overlay))


class Running:
    """A core, and what it did with one request."""

    def __init__(self, ground: Ground, secret: bytes = SECRET) -> None:
        self._core = ground.core(secret)

    def does(self, trunk: str, data: bytes) -> tuple[int | None, dict[str, Any]]:
        """The final status that the sender gets (None: none yet) and the call record, where there is one."""
        core, flow = self._core, Flow("udp", SOURCES[trunk], PORTS.get(trunk, 5070), 0)
        core.receive(data, flow, NOW)
        for ask in taken(core, Ask):
            core.resolved(ask, opinion(ask.question) if isinstance(ask.question, Lookup) else True, NOW)
        answers = [parse(sent) for to, sent in core.outbox if to.host == flow.host]
        final = next((one.status for one in answers if isinstance(one, Response) and one.status >= 200), None)
        core.outbox.clear()
        records = written(core.outputs)
        core.outputs.clear()
        core.give_up(NOW)  # so that the record of what went on is written now
        core.outbox.clear()
        records += written(core.outputs)
        core.outputs.clear()
        return final, records[0] if records else {}

    def challenges(self, now: float = NOW) -> list[str]:
        """The challenge to a phone that says nothing of who it is."""
        self._core.receive(UNPROVEN, Flow("udp", SOURCES["desks"], 5070, 0), now)
        answers = [parse(sent) for _, sent in self._core.outbox]
        self._core.outbox.clear()
        return next(one for one in answers if isinstance(one, Response) and one.status == 407).headers(
            "proxy-authenticate"
        )


def proven(data: bytes, challenges: list[str], user: str, password: str = PASSWORD, kind: str = "") -> bytes:
    """The request with credentials, right ones or of another kind."""
    start = data.partition(b"\r\n")[0].decode().split(" ")
    uri = "sip:elsewhere@ringfence.example" if kind == "elsewhere" else start[1]
    answer = answer_challenge(challenges, start[0], uri, user, password) or ""
    if kind == "broken":
        answer = answer.replace("nc=", "nc=zz")
    elif kind == "other realm":
        answer = answer.replace("ringfence.example", "other.example", 1)
    return data.replace(b"\r\nContent-Length", f"\r\nProxy-Authorization: {answer}\r\nContent-Length".encode())


def with_credentials(kind: str, data: bytes, ground: Ground, running: Running) -> bytes:
    """The request of a phone, with credentials of that kind; most show the number of who gives them."""
    shown = next((name for name, number in PROVE.items() if f"From: <sip:{number}".encode() in data), "bob")
    user = {"alice": "bob", "bob": "carol", "carol": "alice"}[shown] if kind == "of another" else shown
    asked = Running(ground, b"another secret" * 2) if kind == "foreign" else running
    challenges = asked.challenges(NOW - 61.0 if kind == "stale" else NOW)
    return proven(data, challenges, user, "guess" if kind == "wrong" else PASSWORD, kind)


@pytest.mark.parametrize(
    ("home", "preset", "seed", "legs", "more"),
    [
        ("CN", "cn", 1, "judge", ""),
        ("CN", "default", 2, "judge", ASKING),
        ("GB", "gb", 3, "pass", ASKING),
        ("US", "us", 4, "judge", ""),
    ],
)
def test_explain_says_what_the_running_core_does(
    tmp_path: Path, home: str, preset: str, seed: int, legs: str, more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.explain.ask_once", lambda lookups: {lookup: opinion(lookup) for lookup in lookups})
    (tmp_path / "proxy.yaml").write_text(CONFIG.format(home=home, preset=preset, legs=legs, more=more))
    (tmp_path / "subscribers.yaml").write_text(PEOPLE)
    (tmp_path / "ringfence.secret").write_text(SECRET.hex())
    (tmp_path / "ringfence.secret").chmod(0o600)
    config = load_config(tmp_path / "proxy.yaml")
    contents, numbering = read(config), config.numbering()
    monkeypatch.setattr("proxy.process.loading.are_big", lambda _: False)
    monkeypatch.setattr("proxy.process.loading.read", lambda *_: contents)  # once: the files stay as they are
    monkeypatch.setattr("proxy.presets.preset.numbering", lambda *_: numbering)
    ground = Ground(config)
    seen: Counter[Any] = Counter()
    given: Counter[Any] = Counter()
    requests = Requests(seed)
    for (trunk, lines, body), _ in zip(requests, range(700), strict=False):
        data = "\r\n".join((*lines, "", "")).encode() + body
        running = Running(ground)
        kind = requests.credentials() if trunk == "desks" else ""
        if kind:
            data = with_credentials(kind, data, ground, running)
        said = explain(config, trunk, data, THEN, clock=NOW, ask=True)
        final, record = running.does(trunk, data)
        if trunk == "desks" and final == 407 and said["status"] != 407:  # who explain takes for proven, proves it
            assert kind in ("", "other realm"), (data, said)
            assert "assumed" in said
            shown = said["caller"] and (said["caller"]["e164"], said["caller"]["presented"])
            named = next(name for name, number in PROVE.items() if shown and (number == shown[0] or name == shown[1]))
            again = data.replace(b"branch=z9hG4bK-", b"branch=z9hG4bK-again-").replace(b"CSeq: 1 ", b"CSeq: 2 ")
            final, record = running.does(trunk, proven(again, running.challenges(), named))
        told = (said["action"], said["rule"]) if said["rule"] else (None, None)
        assert (record.get("action"), record.get("rule")) == told, (data, said, record, final)
        expected = said["status"]
        if said["action"] == "reject" and said["service"]:
            expected = None  # the switch announces it first
        elif said["rule"] == "self_service" and said["action"] == "allow":
            expected = 200
        assert final == expected, (data, said, record)
        seen[said["action"], said["status"], said["rule"]] += 1
        given[trunk if trunk == "softswitch" else kind, said["action"], said["rule"]] += 1
    assert len(seen) >= 15, seen  # it was not one and the same answer to all of them
    assert {kind for kind, *_ in given} >= set(CREDENTIALS), given
    passed = {kind for kind, action, rule in given if action != "reject" and rule not in ("never_block", None)}
    assert passed >= {"", "right"}, given
    assert not passed & {"wrong", "stale", "foreign", "elsewhere", "broken"}, given
    judged = {rule for kind, _, rule in given if kind == "softswitch" and rule}
    assert len(judged) >= 2 if legs == "judge" else not judged, given
    by_sources = {status for _, status, rule in seen if rule == "reputation.remote"}
    assert by_sources == ({480, 603} if more else set()), seen


PROVE = {"alice": "+8613800138001", "bob": "+8613800138002", "carol": "+8613800138003"}

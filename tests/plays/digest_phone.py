"""A phone on a trunk that asks for digest, for dialogues with the proxy: `start().challenged().asks(...)`."""

from __future__ import annotations

from proxy.core.proxy_core import ProxyCore
from proxy.core.settings import CoreSettings
from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.trunks import Trunk
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.sip.digest import digest_response, parse_digest
from proxy.sip.flow import Flow
from proxy.subscribers.directory import Directory
from simulator.agents.digest import answer_challenge
from tests.plays.dialogue import LISTENERS, PHONE, SWITCH, Nobody, Play, request

ALICE, BOB, ABROAD = "+8613800138001", "+8613800138002", "+6591234567"
PASSWORD = "s3cret"
REALM = "ringfence.example"
ELSEWHERE = Flow("udp", "127.0.0.88", 5077, 0)
SUBSCRIBERS = [
    Subscriber(ALICE, "alice", PASSWORD, barring=Barring(outgoing_international=True)),
    Subscriber(BOB, "bob", "b0b"),
    Subscriber("+8613800138003", "carol", ""),  # has no password: nobody can be carol
]


class DigestPhone(Play):
    """A phone on a digest trunk; it numbers its requests and answers the challenges that it got last."""

    cseq = 0

    def asks(
        self,
        method: str = "INVITE",
        given: str | list[str] = "",
        *,
        at: Flow = PHONE,
        sender: str = f"<sip:{ALICE}@127.0.0.77>",
        to: str = BOB,
        call_id: str = "call-1",
        to_tag: str = "",
        more: tuple[tuple[str, str], ...] = (),
    ) -> DigestPhone:
        self.cseq += 1
        credentials = [("Proxy-Authorization", each) for each in ([given] if isinstance(given, str) else given) if each]
        branch = f"z9hG4bK-{method}{self.cseq}"
        sent = request(
            method, at, to=to, cseq=self.cseq, branch=branch, call_id=call_id, to_tag=to_tag, more=[*more, *credentials]
        )
        sent = sent.replace(b"{fold}", b"\r\n")
        self.receive(sent.replace(b"<sip:+6591234567@%s>" % at.host.encode(), sender.encode()), at)
        return self

    def answer_to(self, method: str = "INVITE", user: str = "alice", password: str = PASSWORD, to: str = BOB) -> str:
        """Credentials for the challenge sent last, its strongest algorithm."""
        challenges = self.last.headers("proxy-authenticate")
        return answer_challenge(challenges, method, f"sip:{to}@127.0.0.1", user, password) or ""

    def goes_on(self, method: str = "INVITE") -> DigestPhone:
        """The request reaches the switch."""
        if method == "INVITE":
            self.sends(100)
        self.sends(method, SWITCH)
        return self

    def challenged(self, method: str = "INVITE", given: str | list[str] = "", **how: object) -> DigestPhone:
        self.asks(method, given, **how).sends(407)  # type: ignore[arg-type]
        return self

    def guesses(self, times: int, user: str = "alice", at: Flow = PHONE) -> DigestPhone:
        """Wrong passwords, one after another, until they are locked out."""
        for _ in range(times):
            self.challenged("MESSAGE", at=at)
            self.challenged("MESSAGE", self.answer_to("MESSAGE", user, "guess"), at=at)
        return self

    @property
    def stale(self) -> bool:
        stale = ["stale=true" in value for value in self.last.headers("proxy-authenticate")]
        assert len(set(stale)) == 1
        return stale[0]


def start(*, secret: bytes | None = None, **settings: object) -> DigestPhone:
    policy = Policy(build_snapshot("CN", preset.load("cn"), Directory(SUBSCRIBERS), Nobody()))
    trunk = Trunk("phones", "access", auth="digest")
    given = {"trying_after": 0.0, **settings}
    core = CoreSettings(LISTENERS, SWITCH, lambda *_: trunk, **given)  # type: ignore[arg-type]
    return DigestPhone(ProxyCore(core, policy, secret), 1000.0)


def with_field(
    credentials: str, name: str, value: str | None, password: str = PASSWORD, method: str = "MESSAGE"
) -> str:
    """The same credentials with one field changed or left out, and the response made right again."""
    fields = parse_digest(credentials)
    fields.pop(name, None)
    fields |= {} if value is None else {name: value}
    if name != "response":
        fields["response"] = digest_response(fields, method, password)
    return "Digest " + ", ".join(f'{key}="{text}"' for key, text in fields.items())

"""`ringfence explain`: say what the policy would do with one request, and why. Nothing is sent but what --ask wants."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Never

from proxy.config.models import ProxyConfig, load_config
from proxy.core.deciding import Decision
from proxy.core.emergency_calls import EmergencyCalls
from proxy.core.keys import Keys
from proxy.core.leg_screening import SOFTSWITCH, LegScreening
from proxy.core.routing import Router, validate
from proxy.core.screening import Screening
from proxy.core.settings import CoreSettings
from proxy.core.softswitch_routes import SoftswitchRoutes
from proxy.core.time_of_day import TimeOfDay
from proxy.files.visible import brief
from proxy.files.yaml_file import FileErrors, did_you_mean
from proxy.identity.authentication import Authenticator, ProxyAuthenticationRequired
from proxy.identity.lockout import FailedAttempts
from proxy.numbers.numbering import Number
from proxy.policy.call import JUDGED, Call, sender_uri
from proxy.policy.case import Case, Origin, number_kind, number_origin
from proxy.policy.engine import Policy
from proxy.policy.profile import Subscriber
from proxy.policy.readings import ambiguity
from proxy.policy.remote import UNASKED, Gathered, Opinions
from proxy.policy.snapshot import Snapshot
from proxy.policy.trunks import Trunk
from proxy.process.loading import core_settings, load_overlay, load_snapshot, make_desk
from proxy.process.lookups import ask_once
from proxy.process.secret_file import read_secret
from proxy.self_service.desk import ServiceDesk
from proxy.sip.errors import BadRequest, SipError, Unanswerable
from proxy.sip.flow import Flow
from proxy.sip.message import Broken, Request, broken_request, parse

OK, USAGE = 0, 2
_ASSUMED = "the caller is who From says; --as USER tells who proved to be calling"
_UNCOUNTED = "the challenge was not answered with these credentials before"
_UNREADABLE = "nothing in the request was made by this proxy: its secret_file cannot be read"
_WRONG = "the credentials are wrong"
_STALE = (
    "the credentials answer no challenge of this proxy's, or one too old at that time; --as USER takes them as right"
)
_IN_DIALOG = "it belongs to a dialog, and what began that was judged"
_NOT_JUDGED = "what the softswitch sends is not judged (softswitch_calls: pass)"
_LEG_PASSES = "nothing that the phone's owner decided refuses it, or it is for no phone of a subscriber's"
_NO_EMERGENCY = "the callee called no emergency number lately; --after-emergency takes it that they did"
_EXAMPLE = """\
example:
  ringfence explain --config proxy.yaml --trunk international --at 2026-03-01T12:00:00Z invite.sip
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Never:
        super().error(brief(message))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code (0 explained, 2 usage or invalid file)."""
    parser = _Parser(
        prog="ringfence explain",
        description="Print as JSON what the policy decides on one SIP request, and what every rule says to it.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="the proxy's YAML file")
    parser.add_argument(
        "--trunk", required=True, metavar="NAME", help="the trunk that it came in on; softswitch: what that sends"
    )
    parser.add_argument("--as", dest="user", metavar="USER", help="who proved to be calling, where trunks use digest")
    parser.add_argument("--at", type=_time, metavar="TIME", help="when, in ISO 8601 (UTC unless it says) [now]")
    parser.add_argument(
        "--after-emergency",
        action="store_true",
        help="take it that the callee just called an emergency number, which the proxy remembers and explain does not",
    )
    parser.add_argument(
        "--ask",
        action="store_true",
        help="ask the remote sources that the proxy would ask [they are taken to have nothing against the caller]",
    )
    parser.add_argument("file", metavar="FILE", help="one raw INVITE, MESSAGE or REFER; - reads standard input")
    arguments = parser.parse_args(argv)
    try:
        config = load_config(arguments.config)
        data = sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
        explained = explain(
            config,
            arguments.trunk,
            data,
            arguments.at,
            arguments.user,
            after_emergency=arguments.after_emergency,
            ask=arguments.ask,
        )
    except OSError as error:
        print(brief(f"{error.filename or arguments.file}: {error.strerror or error}"), file=sys.stderr)
        return USAGE
    except (FileErrors, SipError, ValueError) as error:
        shown = str(error) if isinstance(error, FileErrors) else f"ringfence explain: {error}"
        print(brief(shown), file=sys.stderr)
        return USAGE
    print(json.dumps(explained, indent=2))
    return OK


def explain(
    config: ProxyConfig,
    trunk: str,
    data: bytes,
    at: float | None = None,
    user: str | None = None,
    *,
    after_emergency: bool = False,
    clock: float | None = None,
    ask: bool = False,
) -> dict[str, Any]:
    """The verdict on one raw request, as a JSON object.

    `treatment` is what the subscriber, the config or the preset wants done about the rule's calls; `label` what the
    phone shows, `service` what the softswitch is asked for, `reply` the text that answers an order to self-service.
    Where no rule was asked, `rule` is None and `reason` says why the request is refused, or goes on unjudged.

    `at` is in epoch seconds, None for now; `user` is the digest user, or the number, of the subscriber who proved to
    be calling. `assumed` tells what explain cannot know: without `user` or credentials, for a trunk that asks for
    them, From is believed; with `after_emergency` the callee called an emergency number just before; without `ask`
    remote sources have nothing against the caller. By the secret in the config's `secret_file` it knows what belongs to
    a dialog, and challenges; `clock` is the proxy's clock, which dates these (by default, as of the proxies of this
    machine). `trunk` may be `softswitch`, unless one has that name.

    Line ends of a text editor will do. `elapsed_us` is the time of a second run, since the first compiles the
    numbering plans that it meets. `ambiguity` of a number says which two numbers its digits may stand for. Raises
    SipError for what is no SIP request, ValueError for a trunk or a user that the config does not know, FileErrors
    and OSError.
    """
    came_in = _trunk(trunk, config)
    overlay = load_overlay(config)
    snapshot = load_snapshot(config, overlay)
    named = None if user is None else _subscriber(user, came_in, snapshot)
    secret, assumed = None, []
    try:
        secret = read_secret(config.secret_file)
    except PermissionError:
        assumed.append(_UNREADABLE)
    arrival = time.time() if at is None else at
    if clock is None:
        clock = time.monotonic() + arrival - time.time()
    settings = replace(core_settings(config, 0.0), clock=TimeOfDay(arrival - clock))
    keys = Keys.derive(secret)
    authenticator = settings.authenticator(keys.nonces, counts=_Uncounted()) if secret is not None else None
    proof = _Proof(named, snapshot, authenticator)
    memory = EmergencyCalls(assumed=arrival if after_emergency else None)
    core = _Core(config, settings, keys, came_in, proof, Policy(snapshot), memory, clock)
    desk = make_desk(config, overlay)  # what it changes here is saved nowhere
    try:
        request = _request(data)
        if came_in.auth == "digest" and named is None:
            assumed.append(_UNCOUNTED if authenticator and authenticator.is_answered(request) else _ASSUMED)
        first = core.decide(request.copy(), None)
        heard = ask_once(first.verdict.asks) if ask and first.verdict is not None else {}
        decision = core.decide(request, desk, Gathered(heard, UNASKED))
    except SipError as error:
        if isinstance(error, Unanswerable):
            raise
        return _unjudged(broken_request(error), came_in, snapshot, arrival, str(error), error.code) | _told(assumed)
    call, verdict, served = decision.call, decision.verdict, decision.served
    if call is None or verdict is None:
        reason = _IN_DIALOG if came_in is not SOFTSWITCH else _LEG_PASSES if settings.judge_softswitch else _NOT_JUDGED
        return _unjudged(request, came_in, snapshot, arrival, reason) | _told(assumed)
    if verdict.action == "reject" and came_in.kind == "domestic" and came_in.trust_identity and not after_emergency:
        assumed.append(_NO_EMERGENCY)
    if verdict.waits:
        sources = " and ".join(dict.fromkeys(lookup.source.name for lookup in verdict.asks))
        numbers = " and ".join(dict.fromkeys(lookup.number for lookup in verdict.asks))
        assumed.append(f"{sources} would be asked, and has nothing against {numbers}; --ask asks")
    return {
        "action": verdict.action,
        "status": verdict.status,
        "rule": verdict.rule,
        "treatment": verdict.treatment and verdict.treatment.model_dump(exclude_unset=True),
        "label": verdict.label or None,
        "service": verdict.service or None,
        **({"reply": served.text.body.decode()} if served and served.text else {}),
        **_told(assumed),
        **_parties(call, snapshot),
        "trace": [step._asdict() for step in verdict.trace],
        "elapsed_us": round(decision.elapsed * 1e6, 1),
    }


def _told(assumed: list[str]) -> dict[str, str]:
    return {"assumed": "; ".join(assumed)} if assumed else {}


def _trunk(name: str, config: ProxyConfig) -> Trunk:
    if name in config.trunks:
        return next(one for one in config.trunk_table().trunks if one.name == name)
    if name == SOFTSWITCH.name:
        return SOFTSWITCH
    raise ValueError(f'found trunk "{name}", expected {did_you_mean(name, [*config.trunks, SOFTSWITCH.name])}')


@dataclass(frozen=True)
class _Core:
    """The way of a request through the core, as far as its decision."""

    config: ProxyConfig
    settings: CoreSettings
    keys: Keys
    trunk: Trunk
    proof: _Proof
    policy: Policy
    memory: EmergencyCalls
    clock: float

    def decide(self, request: Request, desk: ServiceDesk | None, opinions: Opinions = UNASKED) -> Decision:
        """Decide over a request. Raises SipError for what the proxy answers with one."""
        settings, inside = self.settings, self.trunk is SOFTSWITCH
        routes = SoftswitchRoutes(settings.softswitch, settings.softswitch_aliases)
        router = Router(settings.listeners, self.keys, settings.domains, routes)
        screening = Screening(settings, router, self.proof, None, self.memory, opinions)
        try:
            via = request.via
            flow = Flow(via.transport.lower(), via.host, via.port or 0, 0)
            validate(request)
            routed, _ = screening.route(request, outside=not inside)
            if inside:
                return LegScreening(settings, router, self.memory).decide(request, routed, self.policy, self.clock)[1]
            return screening.decide(request, routed, flow, self.trunk, self.clock, self.policy, desk, lambda: False)
        except SipError as error:
            raise Broken(error, request) from error


class _Uncounted:
    """Stands in for what only the running proxy remembers: no challenge was answered before, and nobody guessed."""

    name = ""

    def use(self, nonce: str, who: str, count: int, issued: float | None, now: float) -> bool:  # noqa: ARG002
        """See NonceStore."""
        return issued is not None

    def of(self, user: str, source: str) -> FailedAttempts | None:  # noqa: ARG002
        """See AttemptStore."""
        return None

    def change(self, user: str, source: str, change: Callable[[FailedAttempts], FailedAttempts], now: float) -> None:
        """See AttemptStore."""


class _Proof:
    """Stands in for what only traffic can prove: the request is taken to be from `named`, else from whom its
    credentials prove, else from who From says."""

    def __init__(self, named: Subscriber | None, snapshot: Snapshot, authenticator: Authenticator | None) -> None:
        self._named = named
        self._snapshot = snapshot
        self._authenticator = authenticator

    def authenticate(
        self,
        request: Request,
        find_user: Callable[[str], Subscriber | None],
        now: float,
        source: str,
        *,
        required: bool = True,
    ) -> Subscriber | None:
        """The subscriber who is taken to have sent it. Raises ProxyAuthenticationRequired where there is none."""
        checks = self._authenticator
        if self._named is None and checks is not None and checks.is_answered(request):
            try:
                return checks.authenticate(request, find_user, now, source, required=required)
            except ProxyAuthenticationRequired as error:
                stale = any("stale=true" in challenge for _, challenge in error.headers)
                raise ProxyAuthenticationRequired(_STALE if stale else _WRONG) from None
        caller = self._named or self._snapshot.subscriber(self._snapshot.numbering.understand(sender_uri(request)))
        if caller is None and required:
            raise ProxyAuthenticationRequired("From names no subscriber who could prove to be calling")
        return caller


def _unjudged(
    request: Request | None, trunk: Trunk, snapshot: Snapshot, arrival: float, reason: str, status: int | None = None
) -> dict[str, Any]:
    """The answer to a request about which no rule is asked: it is refused with a status, or goes on where that is None.
    Where nobody can be answered, no status is told."""
    call = None
    if request is not None:
        with suppress(SipError):
            call = Call.from_request(request, trunk, snapshot.numbering, arrival)
    return {
        "action": "allow" if status is None else "reject",
        "status": status if request is not None and request.has("via") else None,
        "rule": None,
        "reason": reason,
        "treatment": None,
        "label": None,
        "service": None,
        **(_parties(call, snapshot) if call else {"caller": None, "callee": None}),
        "trace": [],
        "elapsed_us": None,
    }


def _parties(call: Call, snapshot: Snapshot) -> dict[str, Any]:
    callee, as_caller = call.callee, snapshot.numbering.as_written("either", abroad=False)
    if call.numbers == "either":  # whatever is dialled is read as dialled at home; here its other reading is told too
        callee = callee.but(also=as_caller.understand(callee.presented).also)
    return {
        "caller": _described(call.caller, Case.of(call, snapshot).caller_origin, snapshot),
        "callee": _described(callee, number_origin(callee, snapshot), snapshot),
    }


def _subscriber(user: str, trunk: Trunk, snapshot: Snapshot) -> Subscriber:
    if trunk.auth != "digest":
        raise ValueError(f'found --as, expected a trunk with auth: digest; "{trunk.name}" asks nobody who they are')
    found = snapshot.subscribers.find_user(user) or snapshot.subscribers.find(user)
    if found is None:
        raise ValueError(f'found --as "{user}", expected the user or the number of a subscriber')
    return found


def _described(number: Number, origin: Origin, snapshot: Snapshot) -> dict[str, str | None]:
    return {
        "presented": number.presented,
        "e164": number.e164,
        "region": number.region,
        "origin": origin,
        "kind": number_kind(number, snapshot),
        **({"ambiguity": said} if (said := ambiguity(number, snapshot.numbering)) else {}),
    }


def _request(data: bytes) -> Request:
    """The request of a file. Raises SipError for one that the proxy refuses, ValueError for what nobody judges."""
    if b"\r\n" not in data:
        data = data.replace(b"\n", b"\r\n")
    if b"\r\n\r\n" not in data:
        data = data.rstrip() + b"\r\n\r\n"
    try:
        message = parse(data)
    except SipError as error:
        if (request := broken_request(error)) is not None and (told := _no_header(data)):
            raise Broken(BadRequest(told), request) from None
        raise
    if not isinstance(message, Request):
        raise ValueError("found a response, expected a request")
    if message.method not in JUDGED:
        raise ValueError(f"found {message.method}, expected {' or '.join(JUDGED)}: the policy judges no other requests")
    return message


def _no_header(data: bytes) -> str:
    """Points at the first line that is no header; "" where all are."""
    for number, line in enumerate(data.partition(b"\r\n\r\n")[0].split(b"\r\n"), start=1):
        if number > 1 and b":" not in line and line[:1] not in b" \t":
            found = line.decode("utf-8", "replace")[:40]
            return f'line {number}: found "{found}", expected a header such as "Max-Forwards: 70"'
    return ""


def _time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'found "{text}", expected a time such as 2026-03-01T12:00:00Z') from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

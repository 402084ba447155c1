"""What the policy would do with one request, and why: `ringfence explain`. Nothing is sent."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proxy.authentication import SPOOFED, decide
from proxy.config import ProxyConfig, load_config
from proxy.forwarding import validate
from proxy.loading import load_overlay, load_snapshot, make_desk
from proxy.numbers.numbering import Number
from proxy.policy.call import JUDGED, Call
from proxy.policy.case import Case, Origin, number_kind, number_origin
from proxy.policy.engine import Policy
from proxy.policy.snapshot import Snapshot
from proxy.sip.errors import SipError
from proxy.sip.message import Request, parse
from proxy.subscribers.profile import Subscriber
from proxy.treatment import check_callee, fitted
from proxy.trunks import Trunk
from proxy.yaml_file import FileErrors, did_you_mean

OK, USAGE = 0, 2
_ASSUMED = "the caller is who From says; --as USER tells who proved to be calling"
_EXAMPLE = """\
example:
  ringfence explain --config proxy.yaml --trunk international --at 2026-03-01T12:00:00Z invite.sip
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code (0 explained, 2 usage or invalid file)."""
    parser = argparse.ArgumentParser(
        prog="ringfence explain",
        description="Print as JSON what the policy decides on one SIP request, and what every rule says to it.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="the proxy's YAML file")
    parser.add_argument("--trunk", required=True, metavar="NAME", help="the trunk that it came in on")
    parser.add_argument("--as", dest="user", metavar="USER", help="who proved to be calling, where trunks use digest")
    parser.add_argument("--at", type=_time, metavar="TIME", help="when, in ISO 8601 (UTC unless it says) [now]")
    parser.add_argument("file", metavar="FILE", help="one raw INVITE, MESSAGE or REFER; - reads standard input")
    arguments = parser.parse_args(argv)
    try:
        config = load_config(arguments.config)
        data = sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
        explained = explain(config, arguments.trunk, data, arguments.at, arguments.user)
    except OSError as error:
        print(f"{error.filename or arguments.file}: {error.strerror or error}", file=sys.stderr)
        return USAGE
    except (FileErrors, SipError, ValueError) as error:
        shown = str(error) if isinstance(error, FileErrors) else f"ringfence explain: {error}"
        print(shown, file=sys.stderr)
        return USAGE
    print(json.dumps(explained, indent=2))
    return OK


def explain(
    config: ProxyConfig, trunk: str, data: bytes, at: float | None = None, user: str | None = None
) -> dict[str, Any]:
    """The verdict on one raw request, as a JSON object.

    `treatment` is what the subscriber, the config or the preset wants done about the rule's calls; `label` what the
    phone shows, `service` what the softswitch is asked for, `reply` the text that answers an order to self-service.

    `at` is in epoch seconds, None for now; `user` is the digest user, or the number, of the subscriber who proved to
    be calling. Without one `assumed` says, for a trunk that asks for digest, that From is believed. Line ends of a
    text editor will do. `elapsed_us` is the time of a second run, since the first compiles the numbering plans that
    it meets. Raises SipError for what is no SIP request, ValueError for a trunk or a user that the config does not
    know, FileErrors and OSError.
    """
    if trunk not in config.trunks:
        raise ValueError(f'found trunk "{trunk}", expected {did_you_mean(trunk, config.trunks)}')
    request = _request(data)
    if request.method not in JUDGED:
        raise ValueError(f"found {request.method}, expected {' or '.join(JUDGED)}: the policy judges no other requests")
    if request.header("from") is None:
        example = "From: <sip:+6591234567@example.com>;tag=1"
        raise ValueError(f"found no From among the headers, expected a line such as `{example}` below the first")
    overlay = load_overlay(config)
    snapshot = load_snapshot(config, overlay)
    try:
        validate(request)
        check_callee(request, snapshot.numbering)
    except SipError as error:
        raise ValueError(f"the proxy does not judge it, but answers {error.code}: {error}") from error
    policy = Policy(snapshot)
    came_in = Trunk(trunk, config.trunks[trunk].kind, config.trunks[trunk].trust_identity, config.trunks[trunk].auth)
    caller = None if user is None else _subscriber(user, came_in, snapshot)
    number = caller.number if caller else None
    arrival = time.time() if at is None else at
    for _ in range(2):
        started = time.perf_counter()
        call = Call.from_request(request, came_in, snapshot.numbering, arrival, number)
        verdict = fitted(decide(policy, request, call, caller), request)
        elapsed = time.perf_counter() - started
    desk = make_desk(config, overlay)  # what it changes here is saved nowhere
    served = desk.serve(call, request, snapshot) if desk and verdict.rule != SPOOFED else None
    if served is not None:
        verdict = served.verdict
    return {
        "action": verdict.action,
        "status": verdict.status,
        "rule": verdict.rule,
        "treatment": verdict.treatment and verdict.treatment.model_dump(exclude_unset=True),
        "label": verdict.label or None,
        "service": verdict.service or None,
        **({"reply": served.text.body.decode()} if served and served.text else {}),
        **({"assumed": _ASSUMED} if came_in.auth == "digest" and caller is None else {}),
        "caller": _described(call.caller, Case.of(call, snapshot).caller_origin, snapshot),
        "callee": _described(call.callee, number_origin(call.callee, snapshot), snapshot),
        "trace": [step._asdict() for step in verdict.trace],
        "elapsed_us": round(elapsed * 1e6, 1),
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
    }


def _request(data: bytes) -> Request:
    if b"\r\n" not in data:
        data = data.replace(b"\n", b"\r\n")
    if b"\r\n\r\n" not in data:
        data = data.rstrip() + b"\r\n\r\n"
    for number, line in enumerate(data.partition(b"\r\n\r\n")[0].split(b"\r\n"), start=1):
        if number > 1 and b":" not in line and line[:1] not in b" \t":
            found = line.decode("utf-8", "replace")[:40]
            raise ValueError(f'line {number}: found "{found}", expected a header such as "Max-Forwards: 70"')
    message = parse(data)
    if not isinstance(message, Request):
        raise ValueError("found a response, expected a request")
    return message


def _time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'found "{text}", expected a time such as 2026-03-01T12:00:00Z') from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

"""What a verdict means on the wire."""

from __future__ import annotations

import re
from urllib.parse import unquote

from proxy.call_record import timestamp
from proxy.labels import spelt
from proxy.policy.answers import Answer, reference
from proxy.policy.call import JUDGED, Call, dialled
from proxy.policy.verdict import Verdict
from proxy.sip.errors import SipError
from proxy.sip.message import Request, Response

# ITU-T Q.850 cause 21, call rejected: gateways to the telephone network map it back (RFC 3326, RFC 3398, RFC 6432).
_CALL_REJECTED = ("Reason", 'Q.850;cause=21;text="Call rejected"')
_KNOWS_608 = re.compile(r"\*[^,*]*;\s*\+sip\.608\s*(?:[;,]|$)", re.IGNORECASE)  # Feature-Caps (RFC 6809)
_SKIPPED = r"(?:[-.() +]|%2[de089b]|%00)*"  # what switches pass over in a number, escaped or not
_USER = re.compile(r"[a-z]+:([^@]*)(?:@|$)", re.IGNORECASE)
_ODD = re.compile(r"[\s,\"\\\uFFFD]")
_SERVICE = re.compile(f"[a-z]+:{_SKIPPED}{_SKIPPED.join(map(spelt, 'rf*'))}", re.IGNORECASE)


def refuse(request: Request, verdict: Verdict, to_tag: str, call: Call) -> Response:
    """The final response for a call that was not let through."""
    headers = [_CALL_REJECTED]
    if isinstance(verdict.treatment, Answer):
        headers[:0] = _contact(verdict.treatment, request.call_id, call.arrival)
    return request.reply(verdict.status or 603, verdict.reason or None, headers, to_tag=to_tag)


def fitted(verdict: Verdict, request: Request) -> Verdict:
    """The verdict without an announcement that is not owed, to callers whose network understands 608 (RFC 8688), or not
    to be had: who insists on reliable provisional responses (RFC 3262) would get none from every softswitch."""
    treatment = verdict.treatment
    if not isinstance(treatment, Answer):
        return verdict
    knows = treatment.reject == "608" and any(_KNOWS_608.search(value) for value in request.headers("feature-caps"))
    insists = "require" in request.names and "100rel" in map(str.lower, request.values("require"))
    return verdict._replace(service="") if knows or insists else verdict


def check_callee(request: Request) -> None:
    """Raises SipError (404) for whom nobody may call: a service that only the proxy may ask for, a user part that a
    softswitch could read something else out of."""
    if request.method in JUDGED and hides_something(request.uri):
        raise SipError("characters that no number and no name has", status=404)
    if asks_for_service(request.uri) or (request.method == "REFER" and asks_for_service(dialled(request))):
        raise SipError("a service that only the proxy may ask for", status=404)


def hides_something(uri: str) -> bool:
    """True for a user part with what a switch may pass over, or take for the end of a number, and the policy does not:
    quotes, commas, backslashes, blanks of any kind and what cannot be printed, escaped or not."""
    user = _USER.match(uri)
    text = unquote(user[1], errors="replace") if user else ""
    return _ODD.search(text) is not None or not text.isprintable()


def asks_for_service(uri: str) -> bool:
    """True for what only the proxy may ask of the softswitch (`rf*...`), however it is spelt."""
    return _SERVICE.match(uri) is not None


def _contact(answer: Answer, call_id: str, arrival: float) -> list[tuple[str, str]]:
    """Where the caller can complain: ATIS-1000099 for 603+, RFC 8688 section 3.2 for 608."""
    if answer.reject == "603+":
        name = next(name for name in ("url", "tel", "email") if getattr(answer, name))
        text = f"v=analytics1;{name}={getattr(answer, name)};id={reference(call_id, timestamp(arrival))}"
        return [("Reason", f'SIP;cause=603;text="{text}";location=RLN')]
    if answer.reject == "608":
        return [("Call-Info", f"<{answer.url}>;purpose=jwscard")]
    return []

"""The meaning of a verdict on the wire."""

from __future__ import annotations

import re
import string
from urllib.parse import unquote

from proxy.core.call_record import timestamp
from proxy.identity.labels import spelt
from proxy.numbers.numbering import Numbering
from proxy.numbers.shown import is_plain, shown_numbers
from proxy.policy.answers import Answer, reference
from proxy.policy.call import JUDGED, Call, dialled
from proxy.policy.verdict import Verdict
from proxy.sip.errors import SipError
from proxy.sip.message import Request, Response

# ITU-T Q.850 cause 21, call rejected: gateways to the telephone network map it back (RFC 3326, RFC 3398, RFC 6432).
_CALL_REJECTED = ("Reason", 'Q.850;cause=21;text="Call rejected"')
_SKIPPED = r"(?:[-.() +]|%2[de089b]|%00)*"  # what switches pass over in a number, escaped or not
# Digits of any script, or what hides some: escapes left over, quotes, blanks, what is no text. With none of them a user
# part names nobody else, whatever stands in it (`sips:user@example.com`, RFC 4475 3.1.1.3).
_ODD = re.compile(r"[\d%,\"\\\s\uFFFD\x00-\x1F\x7F-\x9F]|[^\w!-~]")
_LONGEST_URI = 4096  # characters; all of it is read
_DIALABLE = frozenset(f"{string.ascii_letters}{string.digits}+*#.-_~!'=;")
_SERVICE = re.compile(f"[a-z]+:{_SKIPPED}{_SKIPPED.join(map(spelt, 'rf*'))}", re.IGNORECASE)


def refuse(request: Request, verdict: Verdict, to_tag: str, call: Call) -> Response:
    """The final response for a call that was not let through."""
    headers = [_CALL_REJECTED]
    if isinstance(verdict.treatment, Answer):
        headers[:0] = _contact(verdict.treatment, request.call_id, call.arrival)
    return request.reply(verdict.status or 603, verdict.reason or None, headers, to_tag=to_tag)


def check_callee(request: Request, numbering: Numbering) -> None:
    """Raises SipError (404) for whom nobody may call: a service that only the proxy may ask for, a user part that a
    softswitch could read something else out of."""
    if request.method != "REFER" and is_plain(request.uri):
        return
    if request.method in JUDGED:
        uri = dialled(request)
        if len(uri) > _LONGEST_URI:
            raise SipError("a URI longer than any number", status=414)
        user = unescaped_user(uri)
        if (_ODD.search(user) and not is_dialable(user)) or not _reads_alike(uri, user, numbering):
            raise SipError("no user part that all read alike", status=404)
    if asks_for_service(request.uri) or (request.method == "REFER" and asks_for_service(dialled(request))):
        raise SipError("a service that only the proxy may ask for", status=404)


def unescaped_user(uri: str) -> str:
    """The user part of a URI, or the number of a tel URI with its parameters, without escapes; "" for none."""
    scheme, _, rest = uri.partition(":")
    user, at, _ = rest.partition("@")
    if at or scheme.lower() == "tel":
        return unquote(user.partition(":")[0], errors="replace")
    return ""


def is_dialable(user: str) -> bool:
    """True if a user part can be of a number or user: what else stands in it, some would read it without."""
    return user != "" and all(character in _DIALABLE or character.isalpha() for character in user)


def _reads_alike(uri: str, user: str, numbering: Numbering) -> bool:
    """True if there is but one number in it: softswitches pass over a number's context, gateways over odd marks."""
    if user.lstrip("+")[:1] in ("*", "#"):
        return True
    number = numbering.understand(uri).e164
    if any(one.e164 not in (None, number) for one in shown_numbers(uri, numbering)):
        return False
    bare = numbering.understand(user.partition(";")[0]).e164 if "phone-context" in uri.lower() else None
    return bare in (None, number)


def asks_for_service(uri: str) -> bool:
    """True for what only the proxy may ask of the softswitch (`rf*...`), however it is spelt."""
    return _SERVICE.match(uri) is not None


def _contact(answer: Answer, call_id: str, arrival: float) -> list[tuple[str, str]]:
    """The address for complaints of the caller: ATIS-1000099 for 603+, RFC 8688 section 3.2 for 608."""
    if answer.reject == "603+":
        name = next(name for name in ("url", "tel", "email") if getattr(answer, name))
        text = f"v=analytics1;{name}={getattr(answer, name)};id={reference(call_id, timestamp(arrival))}"
        return [("Reason", f'SIP;cause=603;text="{text}";location=RLN')]
    if answer.reject == "608":
        return [("Call-Info", f"<{answer.url}>;purpose=jwscard")]
    return []

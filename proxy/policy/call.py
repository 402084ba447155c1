"""One call attempt (INVITE) or text (MESSAGE), as far as the policy looks at it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final, Literal

from proxy.numbers.numbering import Number, Numbering, Written
from proxy.numbers.shown import as_looks, is_plain, shown_numbers
from proxy.numbers.star_codes import mask
from proxy.numbers.words import plain_word
from proxy.policy.claims import claims_in
from proxy.policy.rare_headers import NOTHING_RARE, RARE, rare_headers
from proxy.policy.trunks import Trunk
from proxy.sip.errors import SipError
from proxy.sip.headers import parse_name_addr
from proxy.sip.message import Request
from proxy.sip.privacy import MOST_ENTRIES, Hidden, hidden_by, is_unknown, remote_parties, withholds
from proxy.sip.value import Value

JUDGED: Final[tuple[str, ...]] = ("INVITE", "MESSAGE", "REFER")  # the methods that the policy is asked about
_OF_IDENTITY: Final = frozenset(("p-asserted-identity", "remote-party-id", "privacy", "diversion", "history-info"))
_LOOKED_AT: Final = RARE | _OF_IDENTITY  # beside From
_NOTHING_HIDDEN: Final = Hidden()
_ANY_HOST: Final = "host.invalid"  # stands for what plain fields do not tell
_AT_ANY_HOST: Final = "@host.invalid"
_QUOTED: Final = re.compile(r'["\\]')
_NAME_AND_URI: Final = re.compile(r'(?:"([^"\\]*+)"\s*+|([^"<]*+))<([^<>\s]*+)>')


class Call(Value):
    """`caller` is the subscriber who proved to be calling, the asserted number where the trunk is trusted, else
    From; `arrival` is in epoch seconds.

    `others` are the other numbers that the request presents, in From or as asserted: a phone may show any of them.
    `withheld` says how the caller hid their identity ("" where they did not), whatever the trunk: it is theirs to
    hide. `name_withheld`: the callee is not to see their name, as is so of all who hid their identity. `diversion`
    holds the parties that forwarded the call, as far as the trunk is trusted to tell. `uri` is what was
    dialled, as it came: it may hold a PIN, and is never written down. `psap_callback`: the request is marked as an
    answer to an emergency call (RFC 7090), whoever wrote that. `numbers` is how the trunk writes those without a plus.

    `authenticated` is the E.164 number of the subscriber who proved to be calling, and `claims` the name-addr values
    that they present; `lacks_credentials`: the trunk asks for them, and nobody gave any. `text` is what a MESSAGE says,
    None for what is no plain text; `request_uri` is that of a text within a dialog, whose `uri` says whom it is for.
    `understands_608` (RFC 8688) and `insists_on_100rel` (RFC 3262) tell of a caller who gets no announcement.
    """

    __slots__ = (
        "arrival",
        "authenticated",
        "callee",
        "caller",
        "claims",
        "display_name",
        "diversion",
        "insists_on_100rel",
        "lacks_credentials",
        "method",
        "name_withheld",
        "numbers",
        "others",
        "psap_callback",
        "request_uri",
        "text",
        "trunk",
        "trunk_kind",
        "trusted",
        "understands_608",
        "uri",
        "withheld",
    )
    __match_args__ = (
        "method",
        "caller",
        "display_name",
        "callee",
        "trunk",
        "trunk_kind",
        "trusted",
        "arrival",
        "withheld",
        "diversion",
        "others",
        "name_withheld",
        "uri",
        "psap_callback",
        "numbers",
        "authenticated",
        "claims",
        "lacks_credentials",
        "text",
        "request_uri",
        "understands_608",
        "insists_on_100rel",
    )

    def __init__(
        self,
        method: str,
        caller: Number,
        display_name: str,
        callee: Number,
        trunk: str,
        trunk_kind: Literal["international", "domestic", "access"],
        trusted: bool,
        arrival: float,
        withheld: str = "",
        diversion: tuple[Number, ...] = (),
        others: tuple[Number, ...] = (),
        name_withheld: bool = False,
        uri: str = "",
        psap_callback: bool = False,
        numbers: Written = "either",
        authenticated: str = "",
        claims: tuple[str, ...] = (),
        lacks_credentials: bool = False,
        text: str | None = None,
        request_uri: str = "",
        understands_608: bool = False,
        insists_on_100rel: bool = False,
    ) -> None:
        self.method: Final = method
        self.caller: Final = caller
        self.display_name: Final = display_name
        self.callee: Final = callee
        self.trunk: Final = trunk
        self.trunk_kind: Final = trunk_kind
        self.trusted: Final = trusted
        self.arrival: Final = arrival
        self.withheld: Final = withheld
        self.diversion: Final = diversion
        self.others: Final = others
        self.name_withheld: Final = name_withheld
        self.uri: Final = uri
        self.psap_callback: Final = psap_callback
        self.numbers: Final = numbers
        self.authenticated: Final = authenticated
        self.claims: Final = claims
        self.lacks_credentials: Final = lacks_credentials
        self.text: Final = text
        self.request_uri: Final = request_uri
        self.understands_608: Final = understands_608
        self.insists_on_100rel: Final = insists_on_100rel

    @property
    def presented(self) -> tuple[Number, ...]:
        """All numbers that the callee may be shown as the caller's."""
        return (self.caller, *self.others) if self.others else (self.caller,)

    @classmethod
    def from_request(
        cls,
        request: Request,
        trunk: Trunk,
        numbering: Numbering,
        arrival: float,
        authenticated: str | None = None,
        callee: str = "",
    ) -> Call:
        """Read the identities of a request; `authenticated` is the E.164 number of who proved to be calling, `callee`
        the URI of who is meant, where that is not who is dialled.

        The callee of a REFER is who the softswitch is asked to call (RFC 3515). Raises BadRequest where From, or
        Refer-To, is missing or malformed.
        """
        called = callee or dialled(request)
        written = numbering.as_written(trunk.numbers, abroad=trunk.kind == "international")
        dialling, numbering = numbering if trunk.numbers == "either" else written, written
        name, uri = _name_and_uri(request.header("from") or "")
        caller = sender = numbering.understand(uri)
        uris = [uri]
        says_more = request.shape.places(_LOOKED_AT) != ()  # as few do
        shown_name, is_asserted = name, False
        others: tuple[Number, ...] = ()
        diversion: tuple[Number, ...] = ()
        if authenticated:
            caller, is_asserted = numbering.understand(authenticated), True
        elif says_more and trunk.trust_identity:
            if asserted := _addresses(request, "p-asserted-identity"):
                is_asserted = True
                caller, asserted_name = _asserted(sender, asserted, numbering)
                shown_name = asserted_name or name
            uris += [asserted_uri for _, asserted_uri in asserted]
            if request.has("remote-party-id"):
                uris += _remote_uris(request, dialling.understand(called), numbering)
            diversion = _diverting_parties(request, numbering)
        # Of who proved to be calling, From was held against who they are.
        if not authenticated and not (len(uris) == 1 and is_plain(uri)):
            others = _others(caller, uris, numbering)
        hidden = hidden_by(request) if says_more else _NOTHING_HIDDEN
        psap_callback, understands_608, insists_on_100rel = rare_headers(request) if says_more else NOTHING_RARE
        withheld = hidden.identity or _anonymous(name, uri, sender, numbering, is_asserted=is_asserted)
        return Call(
            request.method,
            caller,
            shown_name,
            without_pin(dialling.understand(called)),
            trunk.name,
            trunk.kind,
            trunk.trust_identity,
            arrival,
            withheld,
            diversion,
            others,
            hidden.name or withheld != "",
            called,
            psap_callback,
            trunk.numbers,
            authenticated or "",
            claims_in(request) if authenticated else (),
            trunk.auth == "digest" and not authenticated,
            _text(request) if request.method == "MESSAGE" else None,
            request.uri if callee and request.method == "MESSAGE" else "",
            understands_608,
            insists_on_100rel,
        )

    @classmethod
    def from_fields(
        cls,
        caller: str,
        callee: str,
        trunk: Trunk,
        numbering: Numbering,
        arrival: float,
        *,
        method: Literal["INVITE", "MESSAGE"] = "INVITE",
        display_name: str = "",
        withheld: str = "",
        diversion: Iterable[str] = (),
        authenticated: str = "",
        text: str = "",
    ) -> Call:
        """Make a call of plain fields, without a SIP message.

        `caller` and `callee` are numbers as the trunk writes them, or URIs: of the request that `from_request` would
        read, the user parts of From and of the Request-URI. `withheld` says in words how the caller hid their identity;
        a caller without a number is anonymous anyway. `diversion` are the parties that forwarded the call, in order, as
        far as the trunk is trusted to tell; `authenticated` is the E.164 number of the subscriber who proved to be
        calling; `text` is what a MESSAGE says.
        """
        written = numbering.as_written(trunk.numbers, abroad=trunk.kind == "international")
        dialling = numbering if trunk.numbers == "either" else written
        called = callee if ":" in callee else "sip:" + callee + _AT_ANY_HOST
        is_user = called is not callee and "@" not in callee
        number = dialling.understand_user(callee) if is_user else dialling.understand(called)
        is_number, uri = False, caller
        if ":" in caller:
            sender = written.understand(caller)
        else:
            sender = written.understand_user(caller)
            is_number = sender.e164 == caller  # a plus and digits, as nearly all: there is nothing else to read in it
            if not is_number or display_name or authenticated:
                uri = f"sip:{caller}{_AT_ANY_HOST}" if caller else f"sip:{_ANY_HOST}"
                sender = written.understand(uri)
        caller_number = written.understand(authenticated) if authenticated else sender
        others = () if authenticated or is_number or is_plain(uri) else _others(caller_number, (uri,), written)
        diverts, hidden = diversion and trunk.trust_identity and not authenticated, withheld
        if not hidden and (not is_number or display_name):
            hidden = _anonymous(display_name, uri, sender, written, is_asserted=bool(authenticated))
        return Call(
            method,
            caller_number,
            display_name,
            without_pin(number),
            trunk.name,
            trunk.kind,
            trunk.trust_identity,
            arrival,
            hidden,
            tuple([written.understand(uri) for uri in diversion]) if diverts else (),
            others,
            hidden != "",
            called,
            numbers=trunk.numbers,
            authenticated=authenticated,
            claims=(f'"{_QUOTED.sub("", display_name)}" <{uri}>',) if authenticated else (),
            lacks_credentials=trunk.auth == "digest" and not authenticated,
            text=text if method == "MESSAGE" else None,
        )


def _text(request: Request) -> str | None:
    """The text of a MESSAGE; None where it is no plain text."""
    kind = (request.header("content-type") or "text/plain").partition(";")[0].strip().lower()
    if kind != "text/plain" or request.header("content-encoding"):
        return None
    return request.body.decode("utf-8", "replace")


def dialled(request: Request) -> str:
    """The URI that is to be called or texted: a REFER has the softswitch make a call (RFC 3515)."""
    return request.uri if request.method != "REFER" else request.refer_to.uri


def sender_uri(request: Request) -> str:
    """The URI in From. Raises BadRequest."""
    return _name_and_uri(request.header("from") or "")[1]


def without_pin(callee: Number) -> Number:
    """The called number as it may be written down: star codes hold PINs."""
    if callee.e164 or (shown := mask(callee.presented)) == callee.presented:
        return callee
    return Number(shown, shown, None, callee.region, _kind="short_code")


def _asserted(sender: Number, asserted: list[tuple[str, str]], numbering: Numbering) -> tuple[Number, str]:
    """The caller that a trusted trunk asserts, and its display name: of a sip: and a tel: value (RFC 3325 9.1) the one
    with a number. Values without any do not hide the number in From."""
    read = [(numbering.understand(uri), name) for name, uri in asserted]
    for number, name in read:
        if number.e164:
            return number, name
    best = next((one for one in read if one[0].digits), read[0])
    return best if best[0].digits or not sender.digits else (sender, best[1])


def _others(caller: Number, uris: Iterable[str], numbering: Numbering) -> tuple[Number, ...]:
    """The numbers that these read as, or look like, and that are not the caller's."""
    known, others = {caller.e164 or caller.digits, ""}, []
    for uri in uris:
        for number in (numbering.understand(uri), *shown_numbers(uri, numbering)):
            if (plain := number.e164 or number.digits) not in known:
                known.add(plain)
                others.append(number)
    return tuple(others)


def _name_and_uri(value: str) -> tuple[str, str]:
    """Display name and URI of a name-addr, whose parameters are of no interest here. Raises BadRequest."""
    if match := _NAME_AND_URI.match(value):
        return match[1] or (match[2] or "").rstrip(), match[3]
    address = parse_name_addr(value)
    return address.display_name, address.uri


def _addresses(request: Request, name: str) -> list[tuple[str, str]]:
    """The first few readable addresses of a list header, as display name and URI."""
    if not request.has(name):  # as in nearly all requests
        return []
    return _readable(islice(request.values(name), MOST_ENTRIES))


def _readable(values: Iterable[str]) -> list[tuple[str, str]]:
    addresses = []
    for value in values:
        try:
            addresses.append(_name_and_uri(value))
        except SipError:  # one that nobody can read tells nothing
            continue
    return addresses


def _remote_uris(request: Request, callee: Number, numbering: Numbering) -> list[str]:
    """The URIs of Remote-Party-ID that a phone may show as the caller's: but for the callee's own, said to be so."""
    own, parties = callee.e164 or callee.digits, remote_parties(request)
    uris = _readable(value for party, value in parties if party != "called")
    for _, uri in _readable(value for party, value in parties if party == "called"):
        number = numbering.understand(uri)
        if (number.e164 or number.digits) != own:
            uris.append(("", uri))
    return [uri for _, uri in uris]


def _diverting_parties(request: Request, numbering: Numbering) -> tuple[Number, ...]:
    """The forwarders of the call: Diversion (RFC 5806), History-Info (RFC 7044) but for its last, the target."""
    parties = _addresses(request, "diversion") + _addresses(request, "history-info")[:-1]
    return tuple(numbering.understand(uri) for _, uri in parties)


def _anonymous(name: str, uri: str, sender: Number, numbering: Numbering, *, is_asserted: bool) -> str:
    """Say how a caller who asked for no privacy is anonymous all the same; "" for not at all (RFC 5079 section 3).

    An asserted identity makes no difference: a caller who asked for Privacy is anonymous to the callee although the
    network knows them (3GPP TS 24.611 4.5.2.6.1). Nor is a call without one anonymous for that alone; only one
    whose From has no user either is. Words such as "Unavailable" beside a number are about the name: only Anonymous
    is about both.
    """
    word = plain_word(as_looks(name)) if name else ""
    if word in numbering.withheld_words and (word == "anonymous" or not sender.digits):
        return f"From names itself {name[:40].strip()}"
    if withholds(uri):
        return "From is anonymous"
    if not sender.is_anonymous or (is_asserted and not sender.presented) or is_unknown(uri):
        return ""
    return "From is anonymous" if sender.presented else "From has no user"

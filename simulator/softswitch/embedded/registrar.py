"""The registrar (RFC 3261 10.3) with digest authentication and Path (RFC 3327). Sans-IO."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proxy.sip.digest import ALGORITHMS, Challenger, CredentialCheck, parse_digest
from proxy.sip.errors import BadRequest
from proxy.sip.headers import NameAddr, parse_name_addr
from proxy.sip.message import Request
from simulator.agents.endpoint import Incoming
from simulator.agents.uas import user_part

DEFAULT_EXPIRES = 3600
LONGEST_EXPIRES = 7200


@dataclass(frozen=True, slots=True)
class Account:
    """One subscriber as the switch knows it: E.164 number, digest user, and password (None: no digest asked)."""

    number: str
    user: str
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """A phone's binding: its contact, and the Route that leads there. `until` is on the caller's clock, seconds."""

    contact: str
    path: tuple[str, ...]
    until: float
    call_id: str
    cseq: int


class Registrar:
    """Bindings by digest user. `account_of` finds an account by the user part of an address of record; `algorithms`
    are offered in their order (RFC 8760)."""

    def __init__(
        self, realm: str, account_of: Callable[[str], Account | None], algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    ) -> None:
        self._challenger = Challenger(realm, algorithms=algorithms)
        self._account_of = account_of
        self._bindings: dict[str, dict[str, Binding]] = {}

    def find(self, account: Account, now: float) -> list[Binding]:
        """The bindings that have not expired, the latest first."""
        return list(self._current(account, now).values())[::-1]

    def receive(self, incoming: Incoming, now: float) -> None:
        """Answer a REGISTER."""
        request = incoming.request
        account = self._account_of(user_part(request.to.uri))
        if account is None:
            incoming.reply(404, now)
            return
        try:
            if account.password is not None and not self._authenticated(incoming, account, account.password, now):
                return
            self._update(request, account, now)
        except BadRequest as error:
            incoming.reply(error.code, now, reason=error.reason)
            return
        incoming.reply(200, now, headers=self._describe(request, account, now))

    def _authenticated(self, incoming: Incoming, account: Account, password: str, now: float) -> bool:
        request = incoming.request
        check = None
        for credentials in request.headers("authorization"):
            if credentials.lower().split(None, 1)[:1] != ["digest"]:
                continue  # of a scheme that was not asked for
            check = self._challenger.judge(parse_digest(credentials), "REGISTER", account.user, password, now)
            if check is CredentialCheck.RIGHT:
                return True
        if check is CredentialCheck.WRONG:
            incoming.reply(403, now)
        else:
            challenges = self._challenger.challenges(now, stale=check is CredentialCheck.STALE)
            incoming.reply(401, now, headers=[("WWW-Authenticate", challenge) for challenge in challenges])
        return False

    def _current(self, account: Account, now: float) -> dict[str, Binding]:
        bindings = self._bindings.get(account.user, {})
        for contact in [contact for contact, binding in bindings.items() if binding.until <= now]:
            del bindings[contact]
        return bindings

    def _update(self, request: Request, account: Account, now: float) -> None:
        """RFC 3261 10.3 steps 6 and 7: all of the contacts or, where something is wrong, none."""
        bindings = dict(self._current(account, now))
        default = _seconds(request.header("expires"), DEFAULT_EXPIRES)
        contacts = request.values("contact")
        if "*" in contacts:
            if len(contacts) > 1 or default != 0:
                raise BadRequest("Contact * stands alone and with Expires 0")
            bindings.clear()
            contacts = []
        cseq = request.cseq.number
        for contact in map(parse_name_addr, contacts):
            old = bindings.pop(contact.uri, None)
            if old is not None and old.call_id == request.call_id and cseq <= old.cseq:
                raise BadRequest("CSeq out of order")
            expires = _contact_seconds(contact, default)
            if expires > 0:
                path = tuple(request.values("path"))
                until = now + min(expires, LONGEST_EXPIRES)
                bindings[contact.uri] = Binding(contact.uri, path, until, request.call_id, cseq)
        self._bindings[account.user] = bindings

    def _describe(self, request: Request, account: Account, now: float) -> list[tuple[str, str]]:
        current = self._current(account, now).values()
        headers = [("Contact", f"<{binding.contact}>;expires={round(binding.until - now)}") for binding in current]
        return headers + [("Path", path) for path in request.values("path")]


def _contact_seconds(contact: NameAddr, default: int) -> int:
    return _seconds(contact.params.get("expires"), default)


def _seconds(text: str | None, default: int) -> int:
    """A malformed value counts as the default (RFC 3261 10.2.1.1, 20.10)."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else default

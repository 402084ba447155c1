"""The wish to stay unknown in a message: Privacy (RFC 3323 4.2, RFC 3325 9.3, RFC 7044 10.1), and the
parameter `privacy` that Remote-Party-ID (draft-ietf-sip-privacy-04) and Diversion (RFC 5806 4) have of their own; and
the hosts that stand for nobody."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final, NamedTuple

from proxy.sip.message import Message, Request

OF_THE_IDENTITY: Final = frozenset(("id", "user", "header"))  # priv-values by which a caller withholds who they are
OF_THE_HISTORY: Final = frozenset(("history", "header", "session"))  # and those that History-Info is kept back for
MOST_ENTRIES: Final = 8  # addresses read of one list header; a datagram holds thousands
REMOTE_PARTY: Final = "Remote-Party-ID: "  # what `Hidden.identity` begins with where that header says so
_NONE: Final[frozenset[str]] = frozenset()
_PRIV_VALUE: Final = re.compile(r"[a-z0-9\-.!%*_+`'~]+")
_PRIVACY: Final = re.compile(r';\s*privacy\s*=\s*"?([a-z0-9\-.!%*_+`\'~, ]*)')
_PARTY: Final = re.compile(r';\s*party\s*=\s*"?([a-z0-9\-]*)')
_UNKNOWN_HOST: Final = re.compile(r"@unknown\.invalid\.?(?::[0-9]*)?(?:[;?>]|$)", re.IGNORECASE)
_NOBODYS_HOST: Final = re.compile(r"[:@]anonymous\.invalid\.?(?::[0-9]*)?(?:[;?>]|$)", re.IGNORECASE)
_OPEN: Final = frozenset(("", "off", "no", "none", "false"))  # what says that nothing is to be hidden


class Hidden(NamedTuple):
    """The parts that a caller asks to be kept from the callee: `identity` says by which words ("" where they do not),
    `name` is True where the display name is not to be shown."""

    identity: str = ""
    name: bool = False


_NOTHING = Hidden()


def priv_values(message: Message) -> frozenset[str]:
    """The values of all Privacy headers, in lower case."""
    if not message.has("privacy"):  # as in nearly all messages
        return _NONE
    return frozenset(_PRIV_VALUE.findall(";".join(message.headers("privacy")).lower()))


def own_privacy(value: str) -> frozenset[str]:
    """The values of an address's parameter `privacy` (`full`, `uri`, `name`), without those that say nothing.

    `full-network` and the like count as their first part.
    """
    params = value[value.rfind(">") + 1 :].lower()
    said = _PRIVACY.findall(params)
    if not said:
        word = params.partition(";")[0].strip()  # the rest of a list that was not quoted: privacy=name,uri
        return frozenset((word,)) if word in ("full", "uri", "name") else _NONE
    return frozenset(word.strip().partition("-")[0] for word in ",".join(said).split(",")) - _OPEN


def hidden_by(request: Request) -> Hidden:
    """The parts that the caller asks to be kept from the callee.

    A wish to stay unknown needs no trust: it takes from nobody but who utters it.
    """
    if not request.has("privacy") and not request.has("remote-party-id"):
        return _NOTHING
    if wishes := priv_values(request) & OF_THE_IDENTITY:
        return Hidden(f"Privacy: {';'.join(sorted(wishes))}", name=True)
    said = _NONE.union(*(own_privacy(value) for party, value in remote_parties(request) if party == "calling"))
    if shut := said & {"full", "uri"}:
        return Hidden(f"{REMOTE_PARTY}privacy={','.join(sorted(shut))}", name=True)
    return Hidden(name="name" in said)


def remote_parties(request: Request) -> list[tuple[str, str]]:
    """The first few values of Remote-Party-ID, each behind whom it is about: `calling` where it does not say."""
    parties = []
    for value in islice(request.values("remote-party-id"), MOST_ENTRIES):
        party = _PARTY.search(value[value.rfind(">") + 1 :].lower())
        parties.append(((party[1] if party else "") or "calling", value))
    return parties


def withholds(uri: str) -> bool:
    """True for a URI at anonymous.invalid: whoever writes it does not want to be known (RFC 3261 8.1.1.3, RFC 3323
    4.1.1.3), whatever stands before the @."""
    if uri.isascii() and "anonymous.invalid" not in uri.lower():  # as in nearly all
        return False
    return _NOBODYS_HOST.search(uri) is not None


def is_unknown(uri: str) -> bool:
    """True for a URI at unknown.invalid: an exchange on the way did not know the number (3GPP TS 29.163 7.2.3.2.2.3),
    which is no wish of the caller's."""
    return _UNKNOWN_HOST.search(uri) is not None

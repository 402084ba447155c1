"""Takes out what callers want to keep to themselves, on the way in and on the way to phones.

RFC 3323 4.1 and 5, RFC 3325 7, RFC 5806 9, RFC 7044 10.1. Our softswitch is inside the network that knows who calls;
phones are not. On the way in goes what only a phone would show (names, Reply-To, ...), and a wish that was uttered in
another way is written as Privacy, which every softswitch knows. On the way out goes what the network asserts.
The URI in From stays as the caller wrote it: a proxy that changed it would break dialogs (RFC 3261 12.2); a softswitch
makes a From of its own for the other side, and is asked for that by Privacy: user.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.identity.labels import named, nameless, rewrite
from proxy.policy.call import Call
from proxy.sip.message import Message, Request
from proxy.sip.privacy import OF_THE_HISTORY, OF_THE_IDENTITY, REMOTE_PARTY, own_privacy, priv_values

_ANONYMOUS: Final = '"Anonymous"'
_ASSERTED: Final = ("p-asserted-identity", "remote-party-id", "p-preferred-identity")
_OF_THE_CALLER: Final = ("organization", "p-preferred-identity", "reply-to")
_OF_THE_USER: Final = ("in-reply-to", "referred-by", "subject", "user-agent")  # RFC 3323 4.1.1.4
_SHOWS_THE_CALLER: Final = frozenset(("card", "icon", "jcard"))  # purposes of Call-Info (RFC 3261 20.9, RFC 9796)
_PURPOSE: Final = re.compile(r';\s*purpose\s*=\s*"?([a-z0-9\-]*)')
_ENTRY_PRIVACY: Final = re.compile(r"[?&]privacy(?:=|%3d)(?!none\b)", re.IGNORECASE)  # RFC 7044 10.1.1
_WITH_PRIVACY: Final = frozenset(("privacy", "remote-party-id", "diversion", "history-info"))


def conceal(forwarded: Request, call: Call) -> None:
    """On the way in: leave nothing of a caller who withholds their name, or identity, for a phone to show.

    Emergency calls keep it all: who answers them needs it. So do callers with Privacy: none (RFC 3323 4.2), whatever
    their From.
    """
    wishes, by_remote_party = priv_values(forwarded), call.withheld.startswith(REMOTE_PARTY)
    asks = by_remote_party or not wishes.isdisjoint(OF_THE_IDENTITY)
    shows = "none" in wishes and call.withheld != "" and not asks
    if shows or not call.name_withheld or call.callee.is_emergency:
        return
    if forwarded.from_.display_name:
        sender = forwarded.header("from") or ""
        forwarded.replace("From", named(sender, _ANONYMOUS) if call.withheld else nameless(sender))
    if not call.withheld:
        for name in ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Reply-To"):
            rewrite(forwarded, name, nameless)
        forwarded.remove("organization")
        rewrite(forwarded, "Call-Info", lambda value: "" if _purpose(value) in _SHOWS_THE_CALLER else value)
        return
    wanted = frozenset(("user", "id") if by_remote_party else ("id",))
    if not wanted <= wishes:
        wishes = wishes - {"none"} | wanted
        forwarded.remove("privacy")
        forwarded.replace("Privacy", ";".join(sorted(wishes)))
    # On the way out an info would be that of a label.
    rewrite(forwarded, "Call-Info", lambda value: "" if _purpose(value) == "info" else value)
    for name in _OF_THE_CALLER:
        forwarded.remove(name)
    if "user" in wishes and forwarded.method != "REFER":
        for name in _OF_THE_USER:
            forwarded.remove(name)


def keep_private(message: Message) -> None:
    """On the way out: an asserted identity goes no further than the network where its owner wants that, nor do names
    and parties that forwarded a call."""
    if not message.shape.places(_WITH_PRIVACY):
        return
    wishes = priv_values(message)
    of_parties: frozenset[str] = frozenset().union(*map(own_privacy, message.values("remote-party-id")))
    if wishes & OF_THE_IDENTITY or of_parties - {"name"}:
        for name in _ASSERTED:
            message.remove(name)
        rewrite(message, "Call-Info", lambda value: "" if _purpose(value) in _SHOWS_THE_CALLER else value)
    elif of_parties:
        message.remove("remote-party-id")
        rewrite(message, "P-Asserted-Identity", nameless)
    if wishes & OF_THE_HISTORY:
        message.remove("history-info")
    elif message.has("history-info"):
        rewrite(message, "History-Info", _without_private_target)
    if message.has("diversion"):
        rewrite(message, "Diversion", _diverted)


def withholds_identity(message: Message) -> bool:
    """True where a signature of who calls (RFC 8224) would tell a phone what was to be withheld."""
    return bool(priv_values(message) & OF_THE_IDENTITY)


def _purpose(value: str) -> str:
    match = _PURPOSE.search(value[value.rfind(">") + 1 :].lower())
    return match[1] if match else ""


def _without_private_target(value: str) -> str:
    start, end = value.find("<"), value.find(">")
    if start < 0 or end < start or not _ENTRY_PRIVACY.search(value, start, end):
        return value
    return f"<sip:anonymous@anonymous.invalid>{value[end + 1 :]}"


def _diverted(value: str) -> str:
    """A value of Diversion, "" where who forwarded the call is not to be known (RFC 5806 4)."""
    hidden = own_privacy(value)
    if hidden - {"name"}:
        return ""
    return nameless(value) if hidden else value

"""The names of a simservs document, and which settings of a profile its conditions stand for.

What stands in `ss` and `cp` is 3GPP's and RFC 4745's. They know no condition for calls from abroad (`international`
tests what was dialled), for prefixes, and for notices: those are in a namespace of our own.
"""

from __future__ import annotations

SS = "http://uri.etsi.org/ngn/params/xml/simservs/xcap"
CP = "urn:ietf:params:xml:ns:common-policy"
RF = "https://ringfence.example/ns/simservs"

PREFIXES = {SS: "", CP: "cp:", RF: "rf:"}

SettingOf = dict[tuple[str, str] | None, str]

# Which setting a condition with <allow>false</allow> stands for; None: a rule without one, which every call matches.
INCOMING: SettingOf = {
    None: "all_incoming",
    (SS, "roaming"): "incoming_when_roaming",
    (SS, "anonymous"): "anonymous",
    (RF, "from-abroad"): "incoming_international",
    (RF, "texts-from-abroad"): "incoming_international_texts",
}
OUTGOING: SettingOf = {None: "all_outgoing", (SS, "international"): "outgoing_international"}
# Read as another condition, for whose setting a profile has no other: calls home are never abroad here (service codes
# 331 and 332 are one as well).
READ_AS = {(SS, "international-exHC"): (SS, "international")}

"""From what a rule found to what is done about it: whose treatment counts, and what the phone is to show."""

from __future__ import annotations

import unicodedata
from typing import Final
from urllib.parse import quote

from proxy.numbers.country_names import origin_name, unknown_origin
from proxy.numbers.numbering import Number
from proxy.policy.answers import Answer, Treatment
from proxy.policy.case import Case, number_origin
from proxy.policy.precedence import CALLERS_OWN
from proxy.policy.treatments import COUNTRY, Label
from proxy.policy.verdict import Step, Verdict

_MOST_PREPARED: Final = 1024  # treatments
_USER_CHARACTERS: Final = "!$&'()*+,-.~"  # of a SIP user part, beside letters and digits
_LONGEST_NAME: Final = 40  # characters of a caller's name that are shown behind a label
_NAME_CHARACTERS: Final = frozenset(" '-.,&")  # beside letters and digits
# Letters of other scripts that look like Latin ones: what a caller might write a label of their own with.
_LOOKALIKES: Final = str.maketrans("аеорсухіјѕԁӏѵԝɡαορνυικτ0134", "aeopcyxijsdlvwgaopvuiktolea")


class Prepared:
    """A treatment with all at hand that does not depend on the call: models of pydantic are slow to ask."""

    def __init__(self, treatment: Treatment) -> None:
        self.treatment: Final = treatment
        self.action: Final = treatment.action
        self.status: Final = treatment.status
        self.phrase: Final = treatment.phrase
        self.only: Final = treatment.only
        self.label: Final = treatment if isinstance(treatment, Label) else None
        self.answer: Final = treatment if isinstance(treatment, Answer) else None
        self.keeps_name: Final = self.label is not None and self.label.name == "keep"
        self._words: Final = "" if self.label is None else self.label.label
        self._names_country: Final = COUNTRY in self._words
        unknown = "" if self.label is None else unknown_origin(self.label.language)
        self.label_of_unknown: Final = self._words.replace(COUNTRY, unknown)
        self._labels: Final[dict[str, str]] = {}  # by region

    def label_of(self, number: Number) -> str:
        """The words of a label, with the country of that number, without a name."""
        if self.label is None or not self._names_country:
            return self._words
        region = number.region
        if number.e164 is None or number.is_invalid:
            return self.label_of_unknown
        if region is None:
            return self._words.replace(COUNTRY, origin_name(number, self.label.language))
        if (found := self._labels.get(region)) is None:
            found = self._labels[region] = self._words.replace(COUNTRY, origin_name(number, self.label.language))
        return found


_prepared: Final[dict[int, Prepared]] = {}  # by identity, which nobody else has while a treatment is held here


def prepared(treatment: Treatment) -> Prepared:
    """A treatment with all at hand."""
    found = _prepared.get(id(treatment))
    if found is None:
        if len(_prepared) >= _MOST_PREPARED:
            _prepared.clear()
        found = _prepared[id(treatment)] = Prepared(treatment)
    return found


def treatment_for(rule: str, case: Case, treatments: dict[str, Prepared]) -> Prepared | None:
    """The treatment of a call that a rule decided: the subscriber's own choice goes before the others."""
    subscriber = case.calling if rule in CALLERS_OWN else case.called
    treatment = treatments.get(rule)
    if subscriber is not None and subscriber.treatment and (own := subscriber.treatment.get(rule)) is not None:
        treatment = prepared(own)
    if treatment is None or not _is_meant(treatment, case):
        return None
    # Nobody can label, divert or challenge a text.
    return treatment if case.call.method == "INVITE" or treatment.action == "reject" else None


def treated(prepared: Prepared, rule: str, detail: str, trace: tuple[Step, ...], case: Case) -> Verdict:
    """The verdict on a call that is treated so."""
    service = "" if prepared.label is not None else _service(prepared, case)
    label = "" if prepared.label is None else _label_text(prepared, prepared.label, case)
    return Verdict(
        prepared.action,
        prepared.status,
        prepared.phrase,
        rule,
        detail,
        trace,
        prepared.treatment,
        service,
        label,
    )


def _service(prepared: Prepared, case: Case) -> str:
    callee = case.call.callee
    if callee.e164 is None and case.behind.number is not None:  # behind #31#: the switch calls whom it is for
        callee = case.behind.number
    number = callee.e164 or quote(callee.presented, _USER_CHARACTERS, errors="surrogateescape")
    service = prepared.treatment.service(number, case.call.arrival)
    # A text hears nothing.
    return "" if service and (case.call.method != "INVITE" or _is_needless(prepared.answer, case)) else service


def _is_needless(answer: Answer | None, case: Case) -> bool:
    """True for an announcement that is not owed, to callers whose network understands 608 (RFC 8688), or not to be had:
    who insists on reliable provisional responses (RFC 3262) would get none from every softswitch."""
    if answer is None:
        return False
    return case.call.insists_on_100rel or (answer.reject == "608" and case.call.understands_608)


def _is_meant(prepared: Prepared, case: Case) -> bool:
    if prepared.only is None:
        return True
    if case.caller_origin != "overseas":
        return False
    return prepared.only == "overseas" or number_origin(case.call.caller, case.snapshot) == "domestic"


def _label_text(prepared: Prepared, treatment: Label, case: Case) -> str:
    """The caller as the phone shows them. A home number that came in from overseas says nothing of its origin, and the
    name of a caller who withholds it, or their identity, is not kept (RFC 3323, RFC 3325 7)."""
    caller = case.call.caller
    if case.caller_origin == "overseas" and number_origin(caller, case.snapshot) == "domestic":
        label = prepared.label_of_unknown
    else:
        label = prepared.label_of(caller)
    keeps = prepared.keeps_name and not (case.call.withheld or case.call.name_withheld)
    if keeps and (name := plain_name(case.call.display_name, treatment.label)):
        label = f"{label} ({name})"
    return label


def plain_name(name: str, label: str) -> str:
    """A caller's display name as it may stand behind a label, "" where it could be taken for one.

    Letters, digits and a few marks remain: no control or direction characters, no quotes, no brackets, nothing that
    is not UTF-8. A name that says what the label says, be it in letters that only look like it, is dropped, and so is
    one that mixes scripts.
    """
    name = unicodedata.normalize("NFKC", name[: 4 * _LONGEST_NAME])
    name = "".join(c if unicodedata.category(c)[0] in "LMN" or c in _NAME_CHARACTERS else " " for c in name)
    name = " ".join(name.split())[:_LONGEST_NAME].strip()
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in name if c.isalpha()}
    looks_alike = len(scripts & {"LATIN", "CYRILLIC", "GREEK", "CHEROKEE", "ARMENIAN", "COPTIC"}) > 1
    words = [word for part in label.split(COUNTRY) for word in _skeleton(part)]
    said = "".join(_skeleton(name))
    return "" if looks_alike or any(word in said for word in words) else name


def _skeleton(text: str) -> list[str]:
    """The words of a text without case, accents and the difference between letters that look alike."""
    text = unicodedata.normalize("NFKD", text).casefold().translate(_LOOKALIKES)
    return "".join(c if c.isalnum() else "" if unicodedata.combining(c) else " " for c in text).split()

"""A subscriber's settings as simservs XML: out and in again, and everything refused that a profile cannot hold."""

from __future__ import annotations

import re
from itertools import product, starmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.files.yaml_file import FileErrors
from proxy.numbers.patterns import read_pattern
from proxy.policy.profile import Barring, Subscriber
from proxy.subscribers.changes import Change, Overlay
from proxy.subscribers.simservs.document import document
from proxy.subscribers.simservs.names import CP, SS
from proxy.subscribers.simservs.reader import read
from tests.plays.simservs_documents import ALICE, BRITAIN, CHINA, FILE, NUMBER, doc, incoming, outgoing, refused, rule


def test_what_another_operator_wrote_is_read() -> None:
    settings = read(
        FILE,
        doc(
            *outgoing(rule("<international/>")),
            *incoming(
                rule("<anonymous/>", name="a"),
                rule('<cp:identity><cp:one id="sip:+19005550123@x.example;user=phone"/></cp:identity>', name="b"),
                rule('<cp:identity><cp:one id="tel:+1-900-555-0124"/></cp:identity>', "0", name="c"),
            ),
        ),
        CHINA,
    )
    assert {name for name, on in settings.barring.items() if on} == {"anonymous", "outgoing_international"}
    assert settings.profile == {"allow": (), "block": ("+19005550123", "+19005550124")}


BARS_ALL = Subscriber(
    ALICE.number,
    barring=Barring(**dict.fromkeys(Barring.__match_args__, True)),
    allow=("+6591234567",),
    block=("+1900*",),
    notify=True,
)


def after_import(*lines: str) -> Subscriber:
    """The rest of somebody who bars everything."""
    return Overlay(read(FILE, doc(*lines), CHINA).changes(BARS_ALL)).over(BARS_ALL)


@pytest.mark.parametrize("element", ["", "<cp:ruleset/>"])
@pytest.mark.parametrize("active", ["true", "false"])
def test_a_service_without_rules_is_off_and_one_that_is_not_there_stays(element: str, active: str) -> None:
    def off(direction: str) -> str:
        return f'<{direction}-communication-barring active="{active}">{element}</{direction}-communication-barring>'

    only_outgoing = after_import(off("outgoing"))
    barring = BARS_ALL.barring.but(all_outgoing=False, outgoing_international=False)
    assert only_outgoing == BARS_ALL.but(barring=barring)
    only_incoming = after_import(off("incoming"))
    barring = Barring(all_outgoing=True, outgoing_international=True)
    assert only_incoming == BARS_ALL.but(barring=barring, allow=(), block=())


def test_each_service_of_an_export_can_be_imported_by_itself() -> None:
    """The service for outgoing calls names the numbers let through as well: a profile has one list for both."""
    exported = document(BARS_ALL).splitlines()
    ends = [exported.index(f"  </{name}-communication-barring>") for name in ("incoming", "outgoing")]
    incoming_alone = "\n".join([*exported[: ends[0] + 1], "</simservs>"]).encode()
    outgoing_alone = "\n".join([*exported[:2], *exported[ends[0] + 1 : ends[1] + 1], "</simservs>"]).encode()
    bars_nothing = BARS_ALL.but(barring=Barring())
    for alone, wanted in (
        (outgoing_alone, Barring(all_outgoing=True, outgoing_international=True)),
        (incoming_alone, BARS_ALL.barring.but(all_outgoing=False, outgoing_international=False)),
    ):
        changes = read(FILE, alone, CHINA, bars_nothing.allow).changes(bars_nothing)
        assert Overlay(changes).over(bars_nothing) == bars_nothing.but(barring=wanted)
    with pytest.raises(FileErrors, match=r"alice\.xml:3:3: .* no other numbers let through than before"):
        read(FILE, outgoing_alone, CHINA, ["+6591234568"])


def test_a_document_about_nothing_changes_nothing() -> None:
    assert after_import() == after_import("<extensions/>") == BARS_ALL
    silent = '<extensions><rf:refused-call-notice active="false"/></extensions>'
    assert after_import(silent) == BARS_ALL.but(notify=False)


def test_a_rule_without_conditions_bars_everything_and_roaming_has_its_own() -> None:
    written = document(Subscriber(ALICE.number, barring=Barring(all_incoming=True, incoming_when_roaming=True)))
    assert '<cp:rule id="all-incoming">\n        <cp:conditions></cp:conditions>' in written
    assert '<cp:rule id="incoming-when-roaming">\n        <cp:conditions><roaming/></cp:conditions>' in written
    assert '<cp:rule id="all-outgoing">\n        <cp:conditions><rule-deactivated/></cp:conditions>' in written


def bars(*lines: str) -> Barring:
    return Barring(**read(FILE, doc(*lines), CHINA).barring)


@pytest.mark.parametrize("conditions", ["<cp:conditions/>", "<cp:conditions></cp:conditions>", ""])
def test_conditions_that_are_empty_or_missing_always_hold(conditions: str) -> None:
    always = f'<cp:rule id="r">{conditions}<cp:actions><allow>false</allow></cp:actions></cp:rule>'
    assert bars(*incoming(always)) == Barring(all_incoming=True)
    assert bars(*outgoing(always)) == Barring(all_outgoing=True)
    assert bars(*incoming(rule("<rule-deactivated/>"))) == Barring()
    assert bars(*incoming(rule("<roaming/>"))) == Barring(incoming_when_roaming=True)


def test_numbers_that_all_outgoing_barring_lets_through_are_those_of_the_one_list() -> None:
    careful = Subscriber(ALICE.number, barring=Barring(all_outgoing=True), allow=("+6591234567", "+44*"))
    assert document(careful).count('<cp:one id="tel:+6591234567"/>') == 2
    assert read(FILE, document(careful).encode(), CHINA).changes(careful) == []
    errors = refused(doc(*incoming(rule(NUMBER, "true")), *outgoing(rule(""))))
    assert errors[0].startswith("alice.xml:5:1: found <outgoing-communication-barring>")


def test_an_import_changes_what_differs_and_no_more() -> None:
    changes = read(FILE, document(ALICE).encode(), CHINA).changes(
        Subscriber(ALICE.number, allow=("+44*", "+6591234567"))
    )
    assert changes == [
        Change(ALICE.number, "incoming_international", True),
        Change(ALICE.number, "block", ("+1900*",)),
        Change(ALICE.number, "notify", True),
    ]


NUMBERS = st.integers(1_000_000, 999_999_999_999_999).map("+{}".format)
PREFIXES = st.integers(1, 999_999_999_999_999).map("+{}*".format)
WRITTEN = st.one_of(NUMBERS, PREFIXES, st.sampled_from(["10086", "00*", "95*", "+44*"]))
PATTERNS = st.lists(WRITTEN.filter(lambda one: read_pattern(one, CHINA) == (one,)), unique=True)
SUBSCRIBERS = st.builds(
    Subscriber,
    number=st.just(ALICE.number),
    barring=st.sampled_from(list(starmap(Barring, product((False, True), repeat=len(Barring.__match_args__))))),
    allow=PATTERNS.map(tuple),
    block=PATTERNS.map(tuple),
    notify=st.booleans(),
)


@given(before=SUBSCRIBERS, wanted=SUBSCRIBERS)
def test_whoever_imports_the_export_of_somebody_has_their_settings(before: Subscriber, wanted: Subscriber) -> None:
    after = Overlay(read(FILE, document(wanted).encode(), CHINA).changes(before)).over(before)
    assert (after.barring, after.notify) == (wanted.barring, wanted.notify)
    assert (set(after.allow), set(after.block)) == (set(wanted.allow), set(wanted.block))
    assert read(FILE, document(after).encode(), CHINA).changes(after) == []


def left_out(*inside: str) -> list[str]:
    return [str(each).removeprefix("alice.xml:") for each in read(FILE, doc(*inside), CHINA).left_out]


def test_a_document_as_operators_send_it_is_taken_and_what_is_left_out_is_said() -> None:
    document = (Path(__file__).parent / "simservs_of_an_operator.xml").read_bytes()
    settings = read(FILE, document, CHINA)
    assert not any(settings.barring.values())
    assert settings.barring.keys() == set(Barring.__match_args__)
    assert settings.profile == {"allow": (), "block": ()}
    assert [str(each).removeprefix("alice.xml:") for each in settings.left_out] == [
        "3:3: left out <originating-identity-presentation>: it is another service than barring",
        "4:3: left out <communication-diversion>: it is another service than barring",
        '12:5: left out rule "boicexhc": it is deactivated, and a profile keeps no <international-exHC> for later',
        "14:3: left out <communication-waiting>: it is another service than barring",
    ]


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (["some text"], ['1:1: left out the text "some text" in <simservs>: nothing is said by text here']),
        (
            ["<x:more xmlns:x='urn:x'/>"],
            ["2:1: left out <more> of namespace urn:x: it is another service than barring"],
        ),
        (
            ["<extensions><x:y xmlns:x='urn:x' a='1'/></extensions>"],
            ["2:13: left out <y> of namespace urn:x: it is an extension of others"],
        ),
        (
            incoming(rule("<rule-deactivated/><roaming/><media>audio</media>")),
            ['3:1: left out rule "r": it is deactivated, and a profile keeps no <roaming> and <media> for later'],
        ),
        (
            incoming(rule("<rule-deactivated/>" + NUMBER)),
            ['3:1: left out rule "r": it is deactivated, and a profile keeps no <cp:identity> for later'],
        ),
        (incoming(rule("<rule-deactivated/><roaming/>")), []),
        (
            incoming(rule("<time>always</time>"), active="false"),
            ["2:48: left out <cp:ruleset>: its service is not active, and a profile keeps no rules for later"],
        ),
        (
            incoming(rule("<anonymous/>", more="<log/>")),
            ["3:92: left out <log>: whether a call is let through is all that a profile says"],
        ),
        (
            incoming(rule("<anonymous/>").replace("</cp:rule>", "<cp:transformations/></cp:rule>")),
            ["3:105: left out <cp:transformations>: it does not decide who is let through"],
        ),
        (
            incoming(rule("<anonymous/>").replace('id="r"', 'id="r" xmlns:x="urn:x" x:order="1"')),
            ["3:1: left out the attribute {urn:x}order of <cp:rule>: a profile does not hold it"],
        ),
        (
            incoming(rule("<anonymous/>"), rule("<roaming/>")),
            ['4:1: left out the id "r": another rule has it, and a profile keeps none'],
        ),
        (
            outgoing(rule("<international-exHC/>")),
            [
                "3:32: left out its difference to <international>: a profile has one setting for calls abroad",
            ],
        ),
        (outgoing(rule(NUMBER, "true")), ['3:1: left out rule "r": no rule bars what it lets through']),
        (outgoing(rule("<international/>", "true")), ['3:1: left out rule "r": no rule bars what it lets through']),
        (incoming(rule("<media>video</media>", "true")), ['3:1: left out rule "r": no rule bars what it lets through']),
        (incoming(rule("", "true")), []),
        (
            incoming(rule("", "true"), rule("<media>video</media>", name="b")),
            ['4:1: left out rule "b": another rule lets the same calls through, and that counts more'],
        ),
    ],
)
def test_what_a_profile_cannot_hold_and_no_active_rule_needs_is_left_out_and_said(
    inside: list[str], said: list[str]
) -> None:
    assert left_out(*inside) == said


def test_what_a_rule_lets_through_no_other_one_bars() -> None:
    assert bars(*incoming(rule("", "true"), rule("<anonymous/>", name="b"), rule("", name="c"))) == Barring()
    assert bars(*incoming(rule("<anonymous/>", "true"), rule("<anonymous/>", name="b"))) == Barring()
    assert bars(*incoming(rule("<rf:from-abroad/>", "1"), rule("<rf:texts-from-abroad/>", name="b"))) == Barring()
    everybody = read(FILE, doc(*incoming(rule("", "true"), rule(NUMBER, name="b"))), CHINA)
    assert everybody.profile == {"allow": (), "block": ()}


def test_calls_abroad_but_to_home_are_barred_like_calls_abroad() -> None:
    """As service code 332 does: numbers at home are never abroad."""
    assert bars(*outgoing(rule("<international-exHC/>"))) == Barring(outgoing_international=True)
    both = outgoing(rule("<rule-deactivated/><international/>"), rule("<international-exHC/>", name="b"))
    assert bars(*both) == Barring(outgoing_international=True)


def test_a_document_may_name_its_namespaces_as_it_likes() -> None:
    settings = read(
        FILE,
        f"""<ss:simservs xmlns:ss="{SS}" xmlns="{CP}"><ss:incoming-communication-barring ss:active="1">
        <ruleset><rule id="r"><conditions><ss:anonymous/></conditions><actions><ss:allow>false</ss:allow></actions>
        </rule></ruleset></ss:incoming-communication-barring></ss:simservs>""".encode(),
        CHINA,
    )
    assert Barring(**settings.barring) == Barring(anonymous=True)
    assert settings.left_out == ()


@pytest.mark.parametrize(
    "uri",
    [
        *("tel:+447700900123", "tel:+44-7700-900123", "tel:07700900123;phone-context=+44", "tel:07700900123"),
        *("sip:+447700900123@ims.example.com;user=phone", "sip:+447700900123@ims.example.com"),
        *("tel:00447700900123", "SIP:07700900123@ims.example.com;user=phone", "tel:+44(0)7700900123"),
    ],
)
def test_identities_are_read_in_every_spelling(uri: str) -> None:
    named = rule(NUMBER.replace("tel:+6591234567", uri))
    assert read(FILE, doc(*incoming(named)), BRITAIN).profile["block"] == ("+447700900123",)


def test_patterns_are_read_as_dialled_at_home_and_written_as_what_they_stand_for() -> None:
    written = "<rf:numbers><rf:number>07700 900123</rf:number><rf:number>09*</rf:number></rf:numbers>"
    settings = read(FILE, doc(*incoming(rule(written))), BRITAIN)
    assert settings.profile["block"] == ("+447700900123", "+449*")
    short = '<cp:identity><cp:one id="tel:116123;phone-context=+44"/></cp:identity>'
    assert read(FILE, doc(*incoming(rule(short))), BRITAIN).profile["block"] == ("116123",)


@pytest.mark.parametrize(
    ("inside", "place"),
    [
        (
            ["<cp:incoming-communication-barring/>"],
            "2:1: found <cp:incoming-communication-barring>, expected <incoming-",
        ),
        (["<incoming-communication-barring xmlns=''/>"], "2:1: found <incoming-communication-barring> of no namespace"),
        (["<incoming-communication-barring><ruleset/></incoming-communication-barring>"], "2:33: found <ruleset>"),
        (incoming(active="maybe"), '2:1: found <incoming-communication-barring>, expected active="true"'),
        (incoming(rule("<anonymous/>").replace("<allow>", "<cp:allow>").replace("</allow>", "</cp:allow>")), "3:72: "),
        ([*incoming(), *incoming()], "4:1: found <incoming-communication-barring>, expected it once"),
        (incoming('<cp:rule id="r"/>'), "3:1: found <cp:rule>, expected actions"),
        (incoming(rule("<anonymous/>", "perhaps")), "3:72: found <allow>, expected true or false"),
        (outgoing(rule("<roaming/>")), "3:32: found <roaming>"),
        (incoming(rule("<anonymous/>" + NUMBER)), "3:1: found <cp:rule>, expected one condition"),
        (incoming(rule("<anonymous/>", "true"), rule("", name="b")), "3:1: found <cp:rule>, expected <allow>false<"),
        (
            outgoing(rule("<international/>", "true"), rule("", name="b")),
            "3:1: found <cp:rule>, expected <allow>false<",
        ),
        (incoming(rule("<media>audio</media>")), "3:32: found <media>, expected <roaming> or <anonymous> or"),
        (incoming(rule("<roaming/><media>audio</media>")), "3:42: found <media>"),
        (incoming(rule("<presence-status>busy</presence-status>")), "3:32: found <presence-status>"),
        (incoming(rule("<x:night xmlns:x='urn:x'/>")), "3:32: found <night> of namespace urn:x"),
        (incoming(rule("<cp:validity/>", "true"), rule("<roaming/>", name="b")), "3:32: found <cp:validity>"),
        (incoming(rule("<roaming/>perhaps")), '3:17: found text "perhaps" in <cp:conditions>'),
        (incoming(rule("<roaming>false</roaming>")), '3:32: found text "false" in <roaming>'),
        (incoming(rule("<rule-deactivated>false</rule-deactivated>")), '3:32: found text "false"'),
        (incoming(rule("<international/>")), "3:32: found <international>"),
        (incoming(rule("<communication-diverted/>")), "3:32: found <communication-diverted>"),
        (incoming(rule(NUMBER.replace("/></", "/><cp:many/></"))), "3:75: found <cp:many>"),
        (incoming(rule(NUMBER.replace("tel:+6591234567", "tel:me"))), "3:45: found <cp:one>"),
        (incoming(rule(NUMBER.replace("tel:+6591234567", "sip:bob@example.com"))), "3:45: found <cp:one>"),
        (incoming(rule(NUMBER.replace("tel:+6591234567", "sip:1234@example.com"))), "3:45: found <cp:one>"),
        (incoming(rule(NUMBER.replace("tel:+6591234567", "tel:+659*"))), "3:45: found <cp:one>"),
        (incoming(rule("<rf:numbers><rf:number>000000*</rf:number></rf:numbers>")), "3:44: found <rf:number>"),
        (incoming(rule("<rf:numbers><rf:number>me</rf:number></rf:numbers>")), "3:44: found <rf:number>"),
        (incoming(rule("<anonymous sure='no'/>")), "3:32: found <anonymous>, expected no sure in it"),
        (outgoing(rule(NUMBER)), "3:1: found <cp:rule>, expected no numbers to bar"),
        (
            outgoing(rule("<international/>"), rule(NUMBER, "true", name="b")),
            "2:1: found <outgoing-communication-barring>",
        ),
        ([*incoming(rule(NUMBER, "true")), *outgoing(rule("<international/>"))], "5:1: found <outgoing-comm"),
    ],
)
def test_what_a_profile_cannot_hold_is_refused_with_its_place(inside: list[str], place: str) -> None:
    errors = refused(doc(*inside))
    assert any(error.startswith(f"alice.xml:{place}") for error in errors), errors


def test_all_errors_of_a_document_are_told_at_once() -> None:
    errors = refused(
        doc(*incoming(rule("<presence/>", name="a"), rule("<busy/>", name="b")), *outgoing(rule("<roaming/>")))
    )
    assert [re.findall(r":(\d+):", error)[0] for error in errors] == ["3", "4", "7"]


@given(text=st.binary(max_size=200) | st.text("<>/&;!?[]\"' abr=:", max_size=80).map(str.encode))
def test_anything_is_read_or_refused(text: bytes) -> None:
    with pytest.raises(FileErrors):
        read(FILE, text, CHINA)

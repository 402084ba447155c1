"""Each rule, by the calls it is there for and by those it must leave alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.numbers.numbering import Numbering
from proxy.policy.engine import Policy
from proxy.policy.profile import at_home
from proxy.policy.ruleset import ScamList
from proxy.policy.trunks import Trunk
from proxy.policy.verdict import Mode, Verdict
from proxy.presets.preset import Preset
from tests.plays.policy_play import (
    ALICE,
    BOB,
    DOMESTIC,
    FROM_ABROAD,
    NOON,
    PHONES,
    STRANGER,
    UNTRUSTED_DOMESTIC,
    UNTRUSTED_FROM_ABROAD,
    Listed,
    company,
    judge,
    said,
    subscriber,
)

SPELLINGS = (
    *("+447700900123", "07700900123", "00447700900123", "+44(0)7700900123", "447700900123", "+44-7700-900123"),
    *("<sip:+447700900123@example.com;user=phone>;tag=1", "<tel:+44-7700-900123>;tag=1"),
    "<tel:07700900123;phone-context=+44>;tag=1",
)


def refused(verdict: Verdict, rule: str, status: int = 603) -> bool:
    return (verdict.action, verdict.rule, verdict.status) == ("reject", rule, status)


def passed(verdict: Verdict, rule: str = "default.allow") -> bool:
    """True if the phone rings, with or without a label."""
    return verdict.action in ("allow", "label") and (verdict.rule, verdict.status) == (rule, None)


class TestNeverBlock:
    @pytest.mark.parametrize("trunk", [PHONES, DOMESTIC, FROM_ABROAD, UNTRUSTED_FROM_ABROAD])
    @pytest.mark.parametrize("caller", [ALICE, STRANGER, "nobody", "+6591234567", "anonymous"])
    @pytest.mark.parametrize("callee", ["110", "119", "120", "122", "urn:service:sos"])
    def test_emergency_calls_pass_whoever_makes_them(self, callee: str, caller: str, trunk: Trunk) -> None:
        alice = subscriber(outgoing_international=True, block=("110",))
        assert passed(judge(company(alice), caller, callee, trunk), "never_block")

    def test_a_call_back_from_the_police_passes_on_a_trusted_domestic_trunk(self) -> None:
        policy = company(subscriber(block=("110", "96110")))
        assert passed(judge(policy, "110", trunk=DOMESTIC), "never_block")
        assert passed(judge(policy, "96110", trunk=DOMESTIC), "never_block")

    @pytest.mark.parametrize("trunk", [PHONES, UNTRUSTED_DOMESTIC, FROM_ABROAD])
    def test_nobody_else_is_believed_to_be_the_police(self, trunk: Trunk) -> None:
        assert judge(company(subscriber()), "110", trunk=trunk).rule != "never_block"

    def test_emergency_numbers_are_those_of_the_home_country(self) -> None:
        assert passed(judge(company(home="US", rules="us"), STRANGER, "911", PHONES), "never_block")
        assert passed(judge(company(home="US", rules="us"), STRANGER, "110", PHONES))


class TestSubscriberLists:
    def test_an_allowed_number_passes_barring(self) -> None:
        alice = subscriber(allow=("+6591234567",), incoming_international=True)
        assert passed(judge(company(alice), "+6591234567"), "subscriber.allow")

    def test_an_allowed_prefix_passes_too(self) -> None:
        alice = subscriber(allow=("+65*",), incoming_international=True)
        assert passed(judge(company(alice), "+6591234568"), "subscriber.allow")

    def test_another_subscribers_list_does_not_help(self) -> None:
        policy = company(subscriber(incoming_international=True), subscriber(BOB, allow=("+6591234567",)))
        assert refused(judge(policy, "+6591234567"), "barring.incoming_international")

    @pytest.mark.parametrize(
        ("pattern", "caller"),
        [
            ("+1900*", "+19005550123"),
            ("+6591234567", "006591234567"),
            ("00*", "006591234567"),
            ("9*", "95588"),
            ("95588", "95588"),
        ],
    )
    def test_a_blocked_caller_is_refused(self, pattern: str, caller: str) -> None:
        assert refused(judge(company(subscriber(block=(pattern,))), caller, trunk=DOMESTIC), "subscriber.block")

    @pytest.mark.parametrize(
        ("home", "written", "caller", "fits"),
        [
            *[("GB", "07700900123", caller, True) for caller in SPELLINGS],
            *[("GB", "0044 7700 900123", caller, True) for caller in SPELLINGS],
            *[("GB", "077*", caller, True) for caller in SPELLINGS],
            *[("GB", "+44 (0)77*", caller, True) for caller in SPELLINGS],
            *[("GB", "00*", caller, False) for caller in SPELLINGS],
            ("DE", "0160*", "+491601234567", True),
            ("DE", "0160*", "01601234567", True),
            ("DE", "0160*", "+491701234567", False),
            ("GB", "00*", "+33142685300", True),
            ("GB", "00*", "0033142685300", True),
            ("GB", "00*", "+15550100000", True),
            ("GB", "00*", "+442079460101", False),
            ("US", "011*", "+442079460101", True),
            ("US", "011*", "+14165550123", False),
            ("US", "1900*", "9005550123", True),
            ("US", "900*", "+19005550123", True),
            ("CN", "95*", "95588", True),
            ("CN", "95*", "+8695588", True),
            ("CN", "95*", "+869512345678", False),
            ("CN", "10086", "+8610086", True),
            ("CN", "138*", "+8613800138009", True),
            ("CN", "010*", "01062345678", True),
            ("CN", "010*", "+861062345678", True),
            ("IT", "06*", "0669812345", True),
            ("IT", "06*", "+39669812345", False),
        ],
    )
    def test_a_list_as_people_dial_means_the_number_however_it_is_presented(
        self, home: str, written: str, caller: str, fits: bool
    ) -> None:
        numbering = Numbering(home)
        blocking = at_home(subscriber(block=(written,)), numbering)
        verdict = judge(company(blocking, home=home, rules="default"), caller, trunk=DOMESTIC)
        assert (verdict.rule == "subscriber.block") is fits
        allowing = at_home(subscriber(allow=(written,), all_incoming=True), numbering)
        verdict = judge(company(allowing, home=home, rules="default"), caller, trunk=DOMESTIC)
        assert (verdict.rule == "subscriber.allow") is fits

    def test_an_allow_list_as_people_dial_lets_calls_out(self) -> None:
        alice = subscriber(outgoing_international=True, allow=("0065 9*",))
        policy = company(at_home(alice, Numbering("CN")))
        assert passed(judge(policy, ALICE, "006591234567", PHONES))
        assert passed(judge(policy, ALICE, "+6591234567", PHONES))
        assert refused(judge(policy, ALICE, "+6561234567", PHONES), "barring.outgoing_international")

    def test_a_block_list_is_not_about_whom_its_owner_calls(self) -> None:
        assert passed(judge(company(subscriber(block=("+1900*",))), ALICE, "+19005550123", PHONES))

    def test_the_callee_may_be_dialled_the_national_way(self) -> None:
        assert refused(judge(company(subscriber(block=(BOB,))), BOB, "13800138001", PHONES), "subscriber.block")


class TestSpoofedHomeNumber:
    @pytest.mark.parametrize(
        "caller",
        [
            "+862062345678",  # fixed
            "02062345678",
            "008613900139003",  # a mobile, with the trace of a gateway
            STRANGER,
            "13900139003",
            "10086",
            "+10086",
            "+8610086",
            "96110",
            "110",
            "+8613",  # too short
            "++8613900139003",
            "+008613900139003",
            "+０８６13900139003",
            "+864001234567",
        ],
    )
    def test_a_home_number_from_abroad_is_refused_for_everybody(self, caller: str) -> None:
        assert refused(judge(company(), caller, BOB), "spoofed.home_number")

    def test_a_number_on_the_callees_allow_list_vouches_for_no_other_beside_it(self) -> None:
        policy = company(subscriber(allow=("+6591234567", "+65*")))
        friend: dict[str, Any] = {"p_asserted_identity": "<tel:+6591234567>"}
        assert judge(policy, "+6591234567", **friend).rule == "subscriber.allow"
        assert judge(policy, "+6598765432", **friend).rule == "subscriber.allow"
        assert refused(judge(policy, "110", **friend), "spoofed.home_number")
        both: dict[str, Any] = {"p_asserted_identity": "<tel:+6591234567>, <tel:+861066108003>"}
        assert refused(judge(policy, "+6591234567", **both), "spoofed.home_number")

    @pytest.mark.parametrize("host", ["anonymous.invalid", "anonymous.invalid.example", "Anonymous.invalid:5060"])
    @pytest.mark.parametrize("caller", ["+861012345678", "10086", "110"])
    def test_no_host_hides_a_home_number(self, caller: str, host: str) -> None:
        for trunk in (FROM_ABROAD, UNTRUSTED_FROM_ABROAD):
            assert refused(judge(company(), f"<sip:{caller}@{host}>;tag=1", BOB, trunk), "spoofed.home_number")

    @pytest.mark.parametrize("caller", ["+861012345678", "10086", "110", f"<sip:{STRANGER}@anonymous.invalid>;tag=1"])
    @pytest.mark.parametrize("asserted", ["<tel:+6591234567>", "<sip:bank@x>", "<sip:bank@x>, <tel:+6591234567>"])
    def test_what_from_shows_is_judged_beside_what_is_asserted(self, caller: str, asserted: str) -> None:
        assert refused(judge(company(), caller, BOB, p_asserted_identity=asserted), "spoofed.home_number")

    def test_every_asserted_number_is_judged(self) -> None:
        asserted = "<tel:+6591234567>, <sip:+861012345678@x>"
        assert refused(judge(company(), "+6591234567", BOB, p_asserted_identity=asserted), "spoofed.home_number")
        roamer = company(subscriber(ALICE, roaming=True))
        both = f"<tel:+6591234567>, <sip:{ALICE}@x>"
        assert passed(judge(roamer, "+6591234567", BOB, p_asserted_identity=both))

    def test_a_forwarded_line_lets_no_short_code_pass_beside_it(self) -> None:
        policy = company(subscriber(BOB))
        forwarded: dict[str, Any] = {"p_asserted_identity": f"<sip:{STRANGER}@x>", "diversion": f"<sip:{BOB}@x>"}
        assert passed(judge(policy, "+862062345678", **forwarded))
        assert refused(judge(policy, "10086", **forwarded), "spoofed.home_number")

    @pytest.mark.parametrize("caller", ["+6591234567", "+85291234567", "+85366123456", "+886912345678", "alice"])
    def test_overseas_numbers_are_not_spoofed(self, caller: str) -> None:
        assert passed(judge(company(subscriber()), caller))

    def test_home_numbers_on_home_trunks_are_not_spoofed(self) -> None:
        assert passed(judge(company(), "+862062345678", BOB, DOMESTIC))
        assert passed(judge(company(), ALICE, BOB, PHONES))

    def test_a_roaming_subscriber_passes_and_one_at_home_does_not(self) -> None:
        assert passed(judge(company(subscriber(ALICE, roaming=True)), ALICE, BOB))
        assert refused(judge(company(subscriber(ALICE)), ALICE, BOB), "spoofed.home_number")

    def test_a_fixed_line_does_not_roam(self) -> None:
        policy = company(subscriber("+862062345678", roaming=True))
        assert refused(judge(policy, "+862062345678", BOB), "spoofed.home_number")

    @pytest.mark.parametrize("caller", [STRANGER, "+862062345678"])
    @pytest.mark.parametrize(
        "forwarding",
        [
            {"diversion": f"<sip:{BOB}@192.0.2.1>;reason=unconditional"},
            {"diversion": f"<tel:+6591234567>;reason=no-answer, <tel:{BOB}>;reason=user-busy"},
            {"history_info": f"<sip:{BOB}@192.0.2.1>;index=1, <sip:{ALICE}@192.0.2.1?Reason=SIP>;index=1.1"},
        ],
    )
    def test_a_call_that_a_subscriber_forwarded_comes_home(self, forwarding: dict[str, Any], caller: str) -> None:
        policy = company(subscriber(incoming_international=True), subscriber(BOB))
        verdict = judge(policy, caller, ALICE, **forwarding)
        assert passed(verdict)
        assert said(verdict, "spoofed.home_number") == "no_match: forwarded home by one of our subscribers"

    @pytest.mark.parametrize(
        ("caller", "trunk", "diversion"),
        [
            (STRANGER, FROM_ABROAD, f"<sip:{ALICE}@x>"),  # the callee: a number that every caller knows
            (STRANGER, FROM_ABROAD, "<sip:+8613700137000@x>"),  # no subscriber of ours
            (STRANGER, FROM_ABROAD, "<sip:+6591234567@x>"),
            (STRANGER, FROM_ABROAD, "<<>>"),
            (STRANGER, UNTRUSTED_FROM_ABROAD, f"<sip:{BOB}@x>"),
            ("110", FROM_ABROAD, f"<sip:{BOB}@x>"),
            ("96110", FROM_ABROAD, f"<sip:{BOB}@x>"),
            ("++8613900139003", FROM_ABROAD, f"<sip:{BOB}@x>"),
        ],
    )
    def test_a_forged_diversion_does_not_help(self, caller: str, trunk: Trunk, diversion: str) -> None:
        policy = company(subscriber(), subscriber(BOB))
        assert refused(judge(policy, caller, ALICE, trunk, diversion=diversion), "spoofed.home_number")

    def test_an_empty_forwarding_history_proves_nothing(self) -> None:
        policy = company(subscriber(), subscriber(BOB))
        verdict = judge(policy, STRANGER, ALICE, history_info=f"<sip:{BOB}@x>;index=1")  # the target itself
        assert refused(verdict, "spoofed.home_number")

    @pytest.mark.parametrize(
        ("home", "rules", "caller", "spoofed"),
        [
            ("SG", "sg", "+6591234567", True),
            ("GB", "gb", "+442079460123", True),
            ("GB", "gb", "+441534456789", True),
            ("GB", "gb", "+447700900123", False),
            ("AU", "au", "+611800123456", True),
            ("AU", "au", "+61491570156", False),
            ("US", "us", "+12025550123", False),
            ("IN", "in", "+919876543210", True),
            ("TW", "tw", "+886223456789", True),
            ("TW", "tw", "+886912345678", False),
            ("FR", "default", "+33123456789", True),
        ],
    )
    def test_each_country_has_its_own_view(self, home: str, rules: str, caller: str, spoofed: bool) -> None:
        verdict = judge(company(home=home, rules=rules), caller, "+8613800138001")
        assert verdict.rule == ("spoofed.home_number" if spoofed else "default.allow")

    @pytest.mark.parametrize(
        ("roaming", "rule", "action"),
        [
            (None, "default.allow", "label"),
            (True, "default.allow", "allow"),
            (False, "spoofed.home_number", "reject"),
        ],
    )
    def test_in_taiwan_a_mobile_calls_from_abroad_unless_its_owner_is_at_home(
        self, roaming: bool | None, rule: str, action: str
    ) -> None:
        mobile = "+886912345678"
        owners = [] if roaming is None else [subscriber(mobile, roaming=roaming)]
        verdict = judge(company(*owners, home="TW", rules="tw"), mobile, "+886223456789")
        assert (verdict.rule, verdict.action) == (rule, action)
        assert verdict.service == ("rf*warn*+886223456789" if action == "label" else "")

    def test_in_taiwan_nobody_is_warned_of_calls_from_other_countries(self) -> None:
        assert judge(company(home="TW", rules="tw"), "+6591234567", "+886223456789").action == "allow"


class TestNumbersOfOtherCountriesAsDialledThere:
    POLICY = company(replace(subscriber(), number="+442079460101", allow=("+33612345678",)), home="GB", rules="gb")

    @pytest.mark.parametrize("written", ["612345678", "0612345678", "06-12-34-56-78"])
    def test_what_their_context_tells_is_not_held_against_them(self, written: str) -> None:
        asserted = f"<tel:{written};phone-context=+33>"
        verdict = judge(self.POLICY, "+33612345678", "+442079460101", FROM_ABROAD, p_asserted_identity=asserted)
        assert verdict.rule == "subscriber.allow"

    @pytest.mark.parametrize("written", ["02079460123", "101", "999"])
    def test_but_what_people_read_as_a_number_at_home_is(self, written: str) -> None:
        asserted = f"<tel:{written};phone-context=+33>"
        verdict = judge(self.POLICY, "+33612345678", "+442079460101", FROM_ABROAD, p_asserted_identity=asserted)
        assert refused(verdict, "spoofed.home_number")


class TestOwnNumber:
    LONDON = "+442079460101"
    POLICY = company(subscriber(LONDON), subscriber("+447700900101", roaming=True), home="GB", rules="gb")

    def judge(self, caller: str, callee: str = LONDON, trunk: Trunk = FROM_ABROAD, **more: Any) -> Verdict:
        return judge(self.POLICY, caller, callee, trunk, **more)

    @pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
    @pytest.mark.parametrize("trunk", [FROM_ABROAD, UNTRUSTED_FROM_ABROAD, DOMESTIC, UNTRUSTED_DOMESTIC])
    @pytest.mark.parametrize(
        "caller",
        [
            "+442079460101", "442079460101", "00442079460101", "02079460101", "020-7946-0101", "%2B442079460101",
            "++442079460101", "+00442079460101", "+44(0)2079460101", "+442079460101;npdi;rn=+447700900999",
            '"+44 20 7946 0101" <sip:+6591234567@x>;tag=1', '"Call 020 7946 0101 now" <sip:anonymous@x>;tag=1',
            '"\uff10\uff12\uff10 7946 0101" <sip:+6591234567@x>;tag=1',
        ],
    )  # fmt: skip
    def test_nobody_outside_shows_the_callees_number(self, caller: str, trunk: Trunk, method: str) -> None:
        assert refused(self.judge(caller, trunk=trunk, method=method), "spoofed.own_number")

    @pytest.mark.parametrize("callee", ["02079460101", "442079460101", "tel:+44-20-7946-0101"])
    def test_however_the_callee_is_dialled(self, callee: str) -> None:
        assert refused(self.judge(self.LONDON, callee), "spoofed.own_number")

    @pytest.mark.parametrize("header", ["p_asserted_identity", "remote_party_id"])
    def test_be_it_one_number_of_several(self, header: str) -> None:
        more: dict[str, Any] = {header: f"<tel:{self.LONDON}>"}
        assert refused(self.judge("+6591234567", **more), "spoofed.own_number")
        assert self.judge("+6591234567", trunk=UNTRUSTED_FROM_ABROAD, **more).rule == "default.allow"

    @pytest.mark.parametrize("callee", ["+442079460101", "02079460101"])
    def test_a_network_may_say_whom_it_calls(self, callee: str) -> None:
        about = "<sip:+442079460199@x>;party=calling, <sip:+442079460101@x>;party=called;privacy=off"
        assert passed(self.judge("+442079460199", callee, DOMESTIC, remote_party_id=about))
        for shown in ("<sip:+442079460101@x>;party=calling", "<sip:+442079460101@x>;party=called-by"):
            assert refused(self.judge("+442079460199", callee, DOMESTIC, remote_party_id=shown), "spoofed.own_number")

    def test_another_number_is_looked_at_whatever_it_is_said_to_be(self) -> None:
        about: dict[str, Any] = {"remote_party_id": "<sip:+442079460999@x>;party=called"}
        assert refused(self.judge("+6591234567", **about), "spoofed.home_number")

    def test_a_diversion_by_the_callee_is_no_excuse(self) -> None:
        diverted = {"diversion": f"<tel:{self.LONDON}>"}
        assert refused(self.judge(self.LONDON, trunk=DOMESTIC, **diverted), "spoofed.own_number")

    def test_no_subscriber_of_ours_has_to_be_called(self) -> None:
        assert refused(self.judge("+447700900999", "+447700900999"), "spoofed.own_number")

    @pytest.mark.parametrize("trunk", [FROM_ABROAD, DOMESTIC])
    def test_who_is_roaming_may_call_themselves(self, trunk: Trunk) -> None:
        assert passed(self.judge("+447700900101", "+447700900101", trunk))

    def test_everybody_may_from_a_phone_and_by_their_allow_list(self) -> None:
        assert passed(self.judge(self.LONDON, trunk=PHONES))
        allowing = company(subscriber(self.LONDON, allow=(self.LONDON,)), home="GB", rules="gb")
        assert judge(allowing, self.LONDON, self.LONDON, DOMESTIC).rule == "subscriber.allow"

    @pytest.mark.parametrize(
        "caller", ["+442079460102", "02079460", '"Flat 101" <sip:+6591234567@x>;tag=1', "anonymous"]
    )
    def test_other_numbers_are_not_meant(self, caller: str) -> None:
        assert passed(self.judge(caller, trunk=DOMESTIC))

    def test_callees_without_a_number_have_none_to_show(self) -> None:
        assert passed(self.judge("10086", "10086", DOMESTIC))


class TestAnonymousReject:
    WITHHELD = (
        ("<sip:anonymous@anonymous.invalid>;tag=1", {}),
        ('"Anonymous" <sip:+6591234567@x>;tag=1', {}),
        ("<sip:192.0.2.1>;tag=1", {}),
        ("+6591234567", {"privacy": "id"}),
        ("+6591234567", {"privacy": "critical; USER"}),
        ("+6591234567", {"privacy": 'id, "critical"'}),
        ('"Anonymous\u200b" <sip:+6591234567@x>;tag=1', {}),
        ("+6591234567", {"privacy": "id", "p_asserted_identity": "<tel:+6591234567>"}),
        ("<sip:anonymous@anonymous.invalid>;tag=1", {"p_asserted_identity": "<tel:+6591234567>"}),
        ("+6591234567", {"remote_party_id": "<sip:+6591234567@x>;party=calling;privacy=full"}),
        ("+6591234567", {"remote_party_id": "<sip:+6591234567@x>;privacy=uri-network"}),
        ("+6591234567", {"remote_party_id": "<sip:+6591234567@x>;privacy=name;privacy=uri"}),
        *((word, {}) for word in ("Restricted", "unavailable", "UNKNOWN", "no%20caller%20id", "private_number",
            "Number%20Unavailable", "id-unavailable", "Anonymous%20Caller", "N%C3%BAmero%20restrito")),
        *((number, {}) for number in ("+266696687", "266696687", "00266696687", "+266-696-687")),
        ("<tel:+266696687>;tag=1", {"p_asserted_identity": "<tel:+6591234567>"}),
        ("+6591234567", {"p_asserted_identity": "<sip:restricted@x>", "privacy": "id"}),
        ('"RESTRICTED" <sip:gateway@192.0.2.1>;tag=1', {}),
        ('"No Caller ID" <sip:192.0.2.1>;tag=1', {"p_asserted_identity": "<tel:+6591234567>"}),
        ('"\u672a\u77e5\u53f7\u7801" <sip:gw@192.0.2.1>;tag=1', {}),
        ("\u533f\u540d", {}),
        ("Num%C3%A9ro%20Masqu%C3%A9", {}),
    )  # fmt: skip

    @pytest.mark.parametrize(("caller", "headers"), WITHHELD)
    def test_a_withheld_identity_gets_433_where_the_callee_wants_that(
        self, caller: str, headers: dict[str, Any]
    ) -> None:
        verdict = judge(company(subscriber(anonymous=True)), caller, **headers)
        assert refused(verdict, "anonymous.reject", 433)
        assert verdict.reason == "Anonymity Disallowed"
        assert passed(judge(company(subscriber()), caller, **headers))

    @pytest.mark.parametrize(
        ("caller", "headers"),
        [
            ("+6591234567", {}),
            ("+6591234567", {"privacy": "none"}),
            ("<sip:unavailable@unknown.invalid>;tag=1", {}),  # unknown is not withheld
            ("<sip:192.0.2.1>;tag=1", {"p_asserted_identity": "<tel:+6591234567>"}),
            ('"Unavailable" <sip:+6591234567@x>;tag=1', {}),  # the name is, the number is not
            ("private.johnson", {}),
            ("+6591234567", {"remote_party_id": "<sip:+6591234567@x>;privacy=name"}),
            ("+6591234567", {"remote_party_id": "<sip:+6591234567@x>;party=called;privacy=full"}),
            ("+26622123456", {}),  # Lesotho
        ],
    )
    def test_an_identity_that_is_shown_or_only_missing_passes(self, caller: str, headers: dict[str, Any]) -> None:
        assert passed(judge(company(subscriber(anonymous=True)), caller, **headers))

    @pytest.mark.parametrize("home", ["DE", "FR", "TW", "AU"])
    def test_a_number_that_nobody_has_is_none_at_home_where_it_comes_from_abroad(self, home: str) -> None:
        number = {"DE": "+4930123456", "FR": "+33123456789", "TW": "+886223456789", "AU": "+61291234567"}[home]
        policy = company(replace(subscriber(anonymous=True), number=number), home=home, rules="default")
        assert refused(judge(policy, "266696687", number), "anonymous.reject", 433)


class TestBarringAllIncoming:
    POLICY = company(subscriber(all_incoming=True, allow=("+6591234567",)), subscriber(BOB))

    @pytest.mark.parametrize("user", ["61001234", "4930123456", "13900139003", "carol"])
    def test_a_subscriber_is_found_by_a_user_name_that_reads_as_a_number(self, user: str) -> None:
        barred = replace(subscriber(all_incoming=True), user=user)
        assert refused(judge(company(barred, subscriber(STRANGER)), "+6591234567", user), "barring.all_incoming")

    @pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
    @pytest.mark.parametrize(
        ("caller", "trunk"),
        [("+23224123456", FROM_ABROAD), (STRANGER, DOMESTIC), (BOB, PHONES), ("anonymous", DOMESTIC), ("bob", PHONES)],
    )
    def test_nobody_gets_through(self, caller: str, trunk: Trunk, method: str) -> None:
        verdict = judge(self.POLICY, caller, trunk=trunk, method=method)
        assert refused(verdict, "barring.all_incoming")
        assert verdict.reason == "Decline"

    def test_the_callees_allow_list_passes_and_so_do_callbacks_of_emergency_services(self) -> None:
        assert judge(self.POLICY, "+6591234567").rule == "subscriber.allow"
        assert judge(self.POLICY, "110", trunk=DOMESTIC).rule == "never_block"
        assert judge(self.POLICY, "110", trunk=FROM_ABROAD).rule == "spoofed.home_number"  # a forgery

    def test_others_are_called_and_the_subscriber_calls(self) -> None:
        assert passed(judge(self.POLICY, STRANGER, BOB, DOMESTIC))
        assert passed(judge(self.POLICY, ALICE, BOB, PHONES))


class TestBarringIncomingWhenRoaming:
    def policy(self, *, roaming: bool) -> Policy:
        return company(subscriber(roaming=roaming, incoming_when_roaming=True, allow=("+6591234567",)))

    @pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
    @pytest.mark.parametrize(("caller", "trunk"), [("+23224123456", FROM_ABROAD), (STRANGER, DOMESTIC), (BOB, PHONES)])
    def test_who_is_roaming_gets_no_calls_and_who_is_at_home_does(self, caller: str, trunk: Trunk, method: str) -> None:
        abroad = judge(self.policy(roaming=True), caller, trunk=trunk, method=method)
        assert refused(abroad, "barring.incoming_when_roaming")
        at_home = judge(self.policy(roaming=False), caller, trunk=trunk, method=method)
        assert passed(at_home)
        assert said(at_home, "barring.incoming_when_roaming") == "no_match: callee is not roaming"

    def test_the_callees_allow_list_passes_and_so_do_callbacks_of_emergency_services(self) -> None:
        assert judge(self.policy(roaming=True), "+6591234567").rule == "subscriber.allow"
        assert judge(self.policy(roaming=True), "110", trunk=DOMESTIC).rule == "never_block"

    def test_roamers_who_did_not_ask_for_it_get_their_calls(self) -> None:
        assert passed(judge(company(subscriber(roaming=True)), STRANGER, trunk=DOMESTIC))


class TestBarringAllOutgoing:
    POLICY = company(
        subscriber(all_outgoing=True, allow=("+6591234567", "96110")), subscriber(BOB, allow=(ALICE,), block=("+44*",))
    )

    @pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
    @pytest.mark.parametrize("callee", [STRANGER, "02062345678", "+6591234568", "bob", "95588", "10086*1", "*21*1#"])
    def test_no_call_gets_out(self, callee: str, method: str) -> None:
        for caller in (ALICE, "13800138001"):
            verdict = judge(self.POLICY, caller, callee, PHONES, method=method)
            assert refused(verdict, "barring.all_outgoing")
            assert verdict.reason == "Decline"

    def test_a_friends_allow_list_does_not_undo_it(self) -> None:
        assert refused(judge(self.POLICY, ALICE, BOB, PHONES), "barring.all_outgoing")

    @pytest.mark.parametrize("modes", [{}, {"never_block": "off"}])
    @pytest.mark.parametrize("callee", ["110", "119", "120", "urn:service:sos.police"])
    def test_emergency_calls_always_get_out(self, callee: str, modes: dict[str, Mode]) -> None:
        policy = company(subscriber(all_outgoing=True), modes=modes)
        verdict = judge(policy, ALICE, callee, PHONES)
        assert passed(verdict, "default.allow" if modes else "never_block")

    @pytest.mark.parametrize("callee", ["10086", "+6591234567", "96110"])
    def test_service_numbers_of_the_operator_and_the_owners_allow_list_pass(self, callee: str) -> None:
        assert passed(judge(self.POLICY, ALICE, callee, PHONES))

    def test_only_calls_from_phones_are_outgoing(self) -> None:
        assert passed(judge(self.POLICY, ALICE, STRANGER, DOMESTIC))

    def test_others_call_and_the_subscriber_is_called(self) -> None:
        assert passed(judge(self.POLICY, BOB, STRANGER, PHONES))
        assert passed(judge(self.POLICY, BOB, ALICE, PHONES))


class TestBarringIncomingInternational:
    POLICY = company(subscriber(incoming_international=True), subscriber(BOB, roaming=True))

    @pytest.mark.parametrize("trunk", [FROM_ABROAD, DOMESTIC])
    @pytest.mark.parametrize(
        "caller", ["+6591234567", "006591234567", "+85291234567", "+85366123456", "+886912345678", "+881612345678"]
    )
    def test_overseas_numbers_are_refused_on_every_trunk(self, caller: str, trunk: Trunk) -> None:
        assert refused(judge(self.POLICY, caller, trunk=trunk), "barring.incoming_international")

    @pytest.mark.parametrize("caller", ["nobody", "anonymous", "+999123456", "<sip:192.0.2.1>"])
    def test_the_international_trunk_is_enough(self, caller: str) -> None:
        assert refused(judge(self.POLICY, caller), "barring.incoming_international")

    def test_even_a_home_number_is_overseas_on_the_international_trunk(self) -> None:
        policy = company(subscriber(incoming_international=True), modes={"spoofed.home_number": "off"})
        assert refused(judge(policy, STRANGER), "barring.incoming_international")

    @pytest.mark.parametrize("caller", [STRANGER, "13900139003", "10086", "nobody", "anonymous"])
    def test_home_callers_pass_on_home_trunks(self, caller: str) -> None:
        assert judge(self.POLICY, caller, trunk=DOMESTIC).action == "allow"

    def test_a_home_number_with_a_plus_or_an_international_prefix_is_still_at_home(self) -> None:
        assert passed(judge(self.POLICY, "+8613900139003", trunk=DOMESTIC))
        assert passed(judge(self.POLICY, "008613900139003", trunk=DOMESTIC))

    def test_a_roaming_subscriber_is_no_overseas_caller(self) -> None:
        assert passed(judge(self.POLICY, BOB))

    def test_those_who_did_not_ask_for_it_get_their_calls(self) -> None:
        assert passed(judge(self.POLICY, "+6591234567", BOB))
        assert passed(judge(self.POLICY, "+6591234567", STRANGER))

    def test_what_counts_as_home_is_the_presets(self) -> None:
        gb = company(subscriber("+447700900001", incoming_international=True), home="GB", rules="gb")
        assert passed(judge(gb, "+441534456789", "+447700900001", DOMESTIC))
        neutral = company(subscriber("+447700900001", incoming_international=True), home="GB", rules="default")
        assert not passed(judge(neutral, "+441534456789", "+447700900001", DOMESTIC))

    def test_texts_are_judged_like_calls(self) -> None:
        assert refused(judge(self.POLICY, "+6591234567", method="MESSAGE"), "barring.incoming_international")

    def test_texts_alone_can_be_barred(self) -> None:
        policy = company(subscriber(incoming_international_texts=True))
        assert passed(judge(policy, "+6591234567"))
        assert refused(judge(policy, "+6591234567", method="MESSAGE"), "barring.incoming_international")
        assert passed(judge(policy, STRANGER, trunk=DOMESTIC, method="MESSAGE"))


class TestBarringOutgoingInternational:
    POLICY = company(subscriber(outgoing_international=True, allow=("+6591234567",)), subscriber(BOB))

    @pytest.mark.parametrize(
        "callee",
        ["+6591234568", "006591234568", "+85291234567", "+881612345678", "+979123456789", "+999123456", "++6591234568"],
    )
    def test_calls_abroad_are_refused(self, callee: str) -> None:
        assert refused(judge(self.POLICY, ALICE, callee, PHONES), "barring.outgoing_international")
        assert refused(judge(self.POLICY, "13800138001", callee, PHONES), "barring.outgoing_international")

    @pytest.mark.parametrize("callee", [BOB, "02062345678", "10086", "bob", "*33*1234#", "tel:2025;phone-context=x.cn"])
    def test_calls_at_home_pass(self, callee: str) -> None:
        assert passed(judge(self.POLICY, ALICE, callee, PHONES))

    def test_a_number_on_the_owners_allow_list_passes(self) -> None:
        assert passed(judge(self.POLICY, ALICE, "+6591234567", PHONES))

    def test_the_owners_allow_list_does_not_overrule_the_callees_block_list(self) -> None:
        policy = company(subscriber(allow=(BOB,)), subscriber(BOB, block=(ALICE,)))
        assert refused(judge(policy, ALICE, BOB, PHONES), "subscriber.block")

    def test_others_call_abroad(self) -> None:
        assert passed(judge(self.POLICY, BOB, "+6591234568", PHONES))
        assert passed(judge(self.POLICY, STRANGER, "+6591234568", PHONES))

    def test_only_calls_from_phones_are_outgoing(self) -> None:
        assert passed(judge(self.POLICY, ALICE, "+6591234568", DOMESTIC))


class TestScamList:
    @pytest.mark.parametrize(
        ("pattern", "rule"),
        [("+23224123456", "scam_list.exact"), ("+23224*", "scam_list.prefix"), ("+2*", "scam_list.prefix")],
    )
    def test_a_listed_caller_is_refused(self, pattern: str, rule: str) -> None:
        verdict = judge(company(listed=(Listed(pattern),)), "+23224123456")
        assert refused(verdict, rule)
        assert verdict.detail == f"{pattern} is listed by reports for wangiri (0.90)"

    @pytest.mark.parametrize("asserted", ["<tel:+6591234567>", "<sip:bank@x>", "<tel:+6591234567>, <tel:+23224123456>"])
    def test_every_number_that_is_presented_is_looked_up(self, asserted: str) -> None:
        caller = "+6591234567" if "+232" in asserted else "<sip:+23224123456@anonymous.invalid>;tag=1"
        policy = company(listed=(Listed("+23224123456"),))
        assert refused(judge(policy, caller, p_asserted_identity=asserted), "scam_list.exact")
        blocking = company(subscriber(block=("+23224*",)))
        assert refused(judge(blocking, caller, p_asserted_identity=asserted), "subscriber.block")

    def test_a_number_listed_with_too_little_confidence_does_not_hide_another(self) -> None:
        policy = company(listed=(Listed("+6591234567", confidence=0.1), Listed("+23224123456")))
        assert refused(judge(policy, "+23224123456", p_asserted_identity="<tel:+6591234567>"), "scam_list.exact")

    def test_a_listed_home_number_is_refused_however_it_is_written(self) -> None:
        policy = company(listed=(Listed(STRANGER),))
        assert refused(judge(policy, "13900139003", trunk=DOMESTIC), "scam_list.exact")

    @pytest.mark.parametrize("caller", ["+23225123456", "nobody", "anonymous", "10086"])
    def test_others_pass(self, caller: str) -> None:
        policy = company(listed=(Listed("+23224*"), Listed("+23224123456")))
        assert judge(policy, caller, trunk=DOMESTIC).action in ("allow", "label")

    def test_an_entry_counts_until_it_expires(self) -> None:
        policy = company(listed=(Listed("+23224*", expires=NOON),))
        assert refused(judge(policy, "+23224123456", at=NOON - 1), "scam_list.prefix")
        assert passed(judge(policy, "+23224123456", at=NOON))

    @pytest.mark.parametrize(
        ("pattern", "rule"), [("+23224123456", "scam_list.exact"), ("+23224*", "scam_list.prefix")]
    )
    def test_an_entry_of_little_confidence_does_not_count(self, pattern: str, rule: str) -> None:
        verdict = judge(company(listed=(Listed(pattern, confidence=0.49),)), "+23224123456")
        assert passed(verdict)
        assert said(verdict, rule) == f"no_match: {pattern} is listed with a confidence of 0.49 only"
        assert refused(judge(company(listed=(Listed(pattern, confidence=0.5),)), "+23224123456"), rule)

    def test_only_the_categories_of_the_preset_count(self) -> None:
        rules = Preset("wangiri only", scam_list=ScamList(categories=frozenset(("wangiri",))))
        listed = (Listed("+23224*"), Listed("+23225*", category="survey"))
        policy = company(rules=rules, listed=listed)
        assert refused(judge(policy, "+23224123456"), "scam_list.prefix")
        verdict = judge(policy, "+23225123456")
        assert said(verdict, "scam_list.prefix") == "no_match: +23225* is listed for survey, which does not count here"

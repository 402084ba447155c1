"""The reading of numbers in messages, trap by trap."""

from __future__ import annotations

import random
import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from proxy.numbers.numbering import Numbering

CN = Numbering("CN")


def read(text: str, home: str = "CN") -> tuple[str | None, str | None, str]:
    number = Numbering(home).understand(text)
    return number.e164, number.region, number.kind


@pytest.mark.parametrize(
    ("text", "e164", "region", "kind"),
    [
        ("+8613800138001", "+8613800138001", "CN", "mobile"),
        ("+862062345678", "+862062345678", "CN", "fixed"),
        ("+6591234567", "+6591234567", "SG", "mobile"),
        ("+85291234567", "+85291234567", "HK", "mobile"),
        ("+85366123456", "+85366123456", "MO", "mobile"),
        ("+886912345678", "+886912345678", "TW", "mobile"),
        # Shared codes.
        ("+12025550123", "+12025550123", "US", "fixed_or_mobile"),
        ("+14165550123", "+14165550123", "CA", "fixed_or_mobile"),
        ("+18765550123", "+18765550123", "JM", "mobile"),
        ("+18002345678", "+18002345678", "US", "toll_free"),
        ("+19002345678", "+19002345678", "US", "premium"),
        ("+79161234567", "+79161234567", "RU", "mobile"),
        ("+77012345678", "+77012345678", "KZ", "mobile"),
        ("+442079460123", "+442079460123", "GB", "fixed"),
        ("+441534456789", "+441534456789", "JE", "fixed"),
        ("+447781123456", "+447781123456", "GG", "mobile"),
        ("+447624312345", "+447624312345", "IM", "mobile"),
        ("+390612345678", "+390612345678", "IT", "fixed"),
        ("+390669812345", "+390669812345", "VA", "fixed"),
        ("+59995181234", "+59995181234", "CW", "mobile"),
        ("+5997151234", "+5997151234", "BQ", "fixed"),
        # Codes of no country.
        ("+80012345678", "+80012345678", None, "global"),
        ("+80812345678", "+80812345678", None, "global"),
        ("+870773111632", "+870773111632", None, "global"),
        ("+881612345678", "+881612345678", None, "global"),
        ("+882131234567", "+882131234567", None, "global"),
        ("+883510001234567", "+883510001234567", None, "global"),
        ("+88812345678901", "+88812345678901", None, "global"),
        ("+979123456789", "+979123456789", None, "global"),
        # Drama numbers look plausible and are in no known range.
        ("+447700900123", "+447700900123", "GB", "unknown"),
        # Wrong lengths and country codes nobody has: still matched by lists, still of their region.
        ("+2322412345", "+2322412345", "SL", "invalid"),
        ("+999123456", "+999123456", None, "invalid"),
        ("+87012345", "+87012345", None, "invalid"),
        ("+8705", None, None, "invalid"),
        ("+8613800138001234567", None, "CN", "invalid"),
    ],
)
def test_an_international_number_names_its_region(text: str, e164: str | None, region: str | None, kind: str) -> None:
    assert read(text) == (e164, region, kind)


@pytest.mark.parametrize(
    ("home", "text", "e164", "idd_prefix_seen"),
    [
        ("CN", "008613100138001", "+8613100138001", True),
        ("CN", "006591234567", "+6591234567", True),
        ("US", "011442079460123", "+442079460123", True),
        ("US", "00442079460123", "+442079460123", True),  # a gateway from elsewhere
        ("AU", "0011442079460123", "+442079460123", True),
        ("RU", "810442079460123", "+442079460123", True),
        ("JP", "010442079460123", "+442079460123", True),
        ("SG", "0018613800138001", "+8613800138001", True),
        ("SG", "006591234567", "+6591234567", True),  # not 006, then Bolivia
        ("CN", "+8613100138001", "+8613100138001", False),
        ("CN", "13100138001", "+8613100138001", False),
        ("GB", "011447700123456", "+447700123456", True),  # as North America and Australia dial
        ("DE", "001185291234567", "+85291234567", True),
        ("BR", "00155511961234567", "+5511961234567", True),  # by a carrier
        ("BR", "005511961234567", "+5511961234567", True),  # not by carrier 55
        ("GB", "01144770090", "+441144770090", False),  # Sheffield
    ],
)
def test_an_international_prefix_stays_on_record(home: str, text: str, e164: str, idd_prefix_seen: bool) -> None:
    number = Numbering(home).understand(text)
    assert (number.e164, number.idd_prefix_seen, number.digits) == (e164, idd_prefix_seen, text.lstrip("+"))


@pytest.mark.parametrize(("text", "e164"), [
    ("+44(0)7700900123", "+447700900123"),
    ("+4407700900123", "+447700900123"),
    ("004407700900123", "+447700900123"),
    ("4407700900123", "+447700900123"),
    ("tel:+44-(0)20-7946-0123", "+442079460123"),
    ("tel:020-7946-0123;phone-context=+44", "+442079460123"),
    ("sip:+44%280%2920%207946%200123@example.com", "+442079460123"),
    ("+8601012345678", "+861012345678"),
    ("+86 17911 010 12345678", "+861012345678"),
    ("+44(0)1534456789", "+441534456789"),  # Jersey
    ("+49(0)1711234567", "+491711234567"),
    ("+43 (0) 664 1234567", "+436641234567"),
    ("+36 06 20 123 4567", "+36201234567"),
    ("+36(0)201234567", "+36201234567"),  # nobody dials that, some write it
    ("+7 8 916 123-45-67", "+79161234567"),
    ("+7 8 701 234-56-78", "+77012345678"),
    ("+370 8 612 34567", "+37061234567"),
    ("+370 0 612 34567", "+37061234567"),
    ("+375 8029 1234567", "+375291234567"),
    ("+52 1 222 123 4567", "+522221234567"),
    ("+52 044 222 123 4567", "+522221234567"),
    ("+54 11 15 2345 6789", "+5491123456789"),
    ("+54 0 11 2345 6789", "+541123456789"),
    ("+55 0 15 11 96123 4567", "+5511961234567"),  # a carrier's code
    ("+55 (0) 11 96123 4567", "+5511961234567"),
    ("+82 010-2000-0000", "+821020000000"),
    ("+1 1 312 555 0143", "+13125550143"),
    ("+1 (0) 312 555 0143", "+13125550143"),
    ("+65(0)91234567", "+6591234567"),
    ("+378 886377", "+3780549886377"),  # as San Marino dials within itself
    ("+229(0)0120211234", "+2290120211234"),  # one zero too many
])  # fmt: skip
def test_a_national_prefix_after_the_country_code_is_no_part_of_the_number(text: str, e164: str) -> None:
    number = CN.understand(text)
    assert (number.e164, number.kind != "invalid") == (e164, True)
    assert number.presented in text or "%" in text


@pytest.mark.parametrize("text", [
    "+390612345678", "+390669812345", "+3780549886377", "+2250123456789", "+2290120211234", "+24106031234",
    "+242061234567", "+541123456789", "+5491123456789", "+78121234567", "+78002000500", "+37080012345",
    "+375800123456", "+4702000", "+81120123456", "+625001234567", "+14155550123", "+862080012345", "+24762889",
    "+247062889", "+861791112345", "+444012345678",
])  # fmt: skip
def test_what_is_a_number_as_it_stands_stays_that(text: str) -> None:
    assert CN.understand(text).e164 == text


def test_a_prefix_taken_off_makes_no_number_of_any_country_another() -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in sorted(PhoneNumberType.values()):
            if example := phonenumbers.example_number_for_type(region, kind):
                text = f"+{example.country_code}{phonenumbers.national_significant_number(example)}"
                assert CN.understand(text).e164 == text, region


@pytest.mark.parametrize(("home", "text", "e164", "region"), [
    ("CN", "1791101012345678", "+861012345678", "CN"),
    ("CN", "17911 010 12345678", "+861012345678", "CN"),
    ("CN", "1795113800138001", "+8613800138001", "CN"),
    ("CN", "17951008613800138001", "+8613800138001", "CN"),
    ("CN", "1795100442079460123", "+442079460123", "GB"),
    ("CN", "1790900 1 312 555 0143", "+13125550143", "US"),
    ("AR", "011 15 2345 6789", "+5491123456789", "AR"),
    ("MX", "01 222 123 4567", "+522221234567", "MX"),
    ("US", "1010288 1 312 555 0143", "+13125550143", "US"),
    ("US", "1010288 011 44 20 7946 0123", "+442079460123", "GB"),
    ("BR", "01511961234567", "+5511961234567", "BR"),
    ("KR", "08221234567", "+8221234567", "KR"),
])  # fmt: skip
def test_a_carriers_code_before_the_number_is_no_part_of_it(home: str, text: str, e164: str, region: str) -> None:
    assert read(text, home)[:2] == (e164, region)


@pytest.mark.parametrize(
    ("home", "text", "e164", "region"),
    [
        ("CN", "13800138001", "+8613800138001", "CN"),
        ("CN", "02062345678", "+862062345678", "CN"),
        ("CN", "8613800138001", "+8613800138001", "CN"),
        ("AU", "0447123456", "+61447123456", "AU"),
        ("GB", "07700900123", "+447700900123", "GB"),
        ("GB", "01534456789", "+441534456789", "JE"),
        ("US", "2025550123", "+12025550123", "US"),
        ("US", "12025550123", "+12025550123", "US"),
        ("JM", "8765550123", "+18765550123", "JM"),
        ("JM", "2025550123", "+12025550123", "US"),
        ("GG", "256789", "+441481256789", "GG"),
        ("IT", "0669812345", "+390669812345", "VA"),
        ("IT", "3471234567", "+393471234567", "IT"),
        ("RU", "89161234567", "+79161234567", "RU"),
        ("SG", "91234567", "+6591234567", "SG"),
        # A plus that got lost on the way.
        ("CN", "6591234567", "+6591234567", "SG"),
        ("SG", "6591234567", "+6591234567", "SG"),
    ],
)
def test_national_digits_are_read_as_the_home_country_writes_them(home: str, text: str, e164: str, region: str) -> None:
    assert read(text, home)[:2] == (e164, region)


@pytest.mark.parametrize(
    ("home", "text", "pretended"),
    [
        ("CN", "++8613800138001", "CN"),
        ("CN", "+008613800138001", "CN"),
        ("CN", "+０８６13800138001", "CN"),
        ("CN", "＋８６１３８００１３８００１", "CN"),
        ("CN", "１３８００１３８００１", "CN"),
        ("CN", "٠٠٨٦١٣٨٠٠١٣٨٠٠١", "CN"),
        ("CN", "++6591234567", "SG"),
        ("CN", "0447700900123", "GB"),
        ("GB", "0447700900123", "GB"),
        ("CN", "62345678", "CN"),  # a local number: nobody knows of which city
        ("CN", "0", "CN"),
        ("CN", "+", None),
        ("CN", "+86x", None),
    ],
)
def test_a_malformed_number_has_no_e164_but_the_region_it_pretends_to(
    home: str, text: str, pretended: str | None
) -> None:
    e164, region, kind = read(text, home)
    assert (e164, region) == (None, pretended)
    assert kind in ("invalid", "short_code")


@pytest.mark.parametrize(
    ("text", "kind", "digits"),
    [
        ("10086", "short_code", "10086"),
        ("96110", "short_code", "96110"),
        ("+10086", "short_code", "10086"),
        ("+8610086", "short_code", "10086"),
        ("+8696110", "short_code", "96110"),
        ("008610086", "short_code", "10086"),
        ("2025", "short_code", "2025"),
        ("*33*1234#", "short_code", "*33*1234#"),
        ("110", "emergency", "110"),
        ("+86110", "emergency", "110"),
        ("tel:110;phone-context=+86", "emergency", "110"),
        ("tel:110;phone-context=ims.example.com", "emergency", "110"),
        ("urn:service:sos", "emergency", ""),
        ("urn:service:sos.fire", "emergency", ""),
    ],
)
def test_short_codes_become_no_e164_number(text: str, kind: str, digits: str) -> None:
    number = CN.understand(text)
    assert (number.e164, number.kind, number.digits) == (None, kind, digits)


@pytest.mark.parametrize(("home", "number"), [("US", "911"), ("GB", "999"), ("AU", "000"), ("IN", "112")])
def test_each_home_has_its_emergency_numbers(home: str, number: str) -> None:
    assert Numbering(home).understand(number).is_emergency
    assert not Numbering(home, ["777"]).understand("778").is_emergency
    assert Numbering(home, ["777"]).understand("777").is_emergency


@pytest.mark.parametrize(
    "text",
    [
        "tel:+86-138-0013-8001",
        "TEL:+8613800138001",
        "tel:+8613800138001;isub=1234",
        "tel:+8613800138001;npdi;rn=+8613900139001",
        "tel:13800138001;phone-context=+86",
        "tel:138.0013.8001;phone-context=+86",
        "sip:+8613800138001@example.com",
        "sips:+8613800138001:secret@example.com:5061;transport=tls",
        "sip:+8613800138001;verstat=TN-Validation-Passed@example.com;user=phone",
        "sip:13800138001;phone-context=+86@example.com;user=phone",
        "sip:%2B8613800138001@example.com",
        "sip:+86%20138%200013%208001@example.com",
        "+86 (138) 0013-8001",
    ],
)
def test_separators_and_parameters_are_no_digits(text: str) -> None:
    assert CN.understand(text).e164 == "+8613800138001"


def test_a_number_in_a_private_context_is_private() -> None:
    number = CN.understand("tel:2025;phone-context=pbx.example.com")
    assert (number.e164, number.region, number.kind, number.digits) == (None, None, "private", "2025")


def test_a_number_in_another_countrys_context_is_of_that_country() -> None:
    assert read("tel:2079460123;phone-context=+44") == ("+442079460123", "GB", "fixed")
    assert read("tel:911;phone-context=+1") == (None, "US", "invalid")


@pytest.mark.parametrize(
    "text", ["anonymous", "Anonymous", "", "sip:anonymous@anonymous.invalid", "sip:@anonymous.invalid", "sip:host"]
)
def test_nobody_is_anonymous(text: str) -> None:
    number = CN.understand(text)
    assert number.is_anonymous
    assert (number.e164, number.kind) == (None, "anonymous")


@pytest.mark.parametrize(
    "host", ["anonymous.invalid", "ANONYMOUS.INVALID:5060;user=phone", "anonymous.invalid.example"]
)
def test_a_number_before_anonymous_invalid_is_a_number(host: str) -> None:
    assert read(f"sip:+861012345678@{host}") == ("+861012345678", "CN", "fixed")
    assert CN.understand(f"sip:110@{host}").is_emergency


@pytest.mark.parametrize("text", ["alice", "sip:alice@example.com", "800-FLOWERS", "urn:service:counseling", "\udcff"])
def test_names_are_alphanumeric(text: str) -> None:
    assert CN.understand(text).kind == "alphanumeric"


def test_a_text_too_long_to_be_a_number_is_cut_and_not_remembered() -> None:
    numbering = Numbering("CN")
    number = numbering.understand("+" + "8" * 60_000)
    assert (number.e164, len(number.presented)) == (None, 80)
    assert len(numbering._recognised) == 0


def test_a_home_without_numbering_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="ISO 3166"):
        Numbering("XX")


_ANY_NUMBER = st.text(alphabet="+0123456789*#-.() ;:@=%٣８\udcff", max_size=24) | st.from_regex(r"\+?[0-9]{1,18}")
_HOMES = [Numbering(home) for home in ("CN", "US", "GB", "IT", "SG", "JP", "RU", "KR", "BR", "GG")]


def test_no_number_is_longer_than_e164_has_them() -> None:
    for text in ("0200000000000000", "200000000000000", "+49200000000000000"):
        assert Numbering("DE").understand(text).e164 is None, text


@given(st.text() | _ANY_NUMBER, st.sampled_from(_HOMES))
def test_every_text_is_understood_somehow(text: str, numbering: Numbering) -> None:
    for form in (text, f"tel:{text}", f"sip:{text}@example.com"):
        number = numbering.understand(form)
        assert number.kind
        assert number.e164 is None or re.fullmatch(r"\+[1-9]\d{1,14}", number.e164)
        assert number.region is None or re.fullmatch("[A-Z]{2}", number.region)


def _of_phonenumbers(parsed: phonenumbers.PhoneNumber) -> tuple[str | None, str]:
    region = phonenumbers.region_code_for_number(parsed)
    if region == "001":
        return None, "global"
    kind = PhoneNumberType.to_string(phonenumbers.number_type(parsed)).lower()
    renamed = {
        "fixed_line": "fixed",
        "fixed_line_or_mobile": "fixed_or_mobile",
        "premium_rate": "premium",
        "personal_number": "personal",
    }
    return region, renamed.get(kind, kind)


def _e164(parsed: phonenumbers.PhoneNumber) -> str:
    text: str = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return text


def test_region_and_kind_agree_with_phonenumbers() -> None:
    """Over random valid numbers of every country code, shared ones above all."""
    chance = random.Random(7)
    seen = 0
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for _ in range(300 if len(regions) > 1 else 15):
            text = f"+{code}{chance.randrange(10 ** chance.randint(6, 10)):06d}"
            parsed = phonenumbers.parse(text)
            if phonenumbers.is_valid_number(parsed) and _e164(parsed) == text:  # it strips national prefixes
                number = CN.understand(text)
                assert (number.region, number.kind) == _of_phonenumbers(parsed), text
                seen += 1
    assert seen > 400


@pytest.mark.parametrize("home", ["CN", "US", "GB", "AU", "RU", "JP", "IT", "IN", "MX", "AR", "DE", "FR", "KR"])
def test_national_forms_agree_with_phonenumbers(home: str) -> None:
    numbering = Numbering(home)
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
        example = phonenumbers.example_number_for_type(home, kind)
        assert example is not None
        dialled = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
        number = numbering.understand(dialled)
        assert number.e164 == _e164(example), dialled

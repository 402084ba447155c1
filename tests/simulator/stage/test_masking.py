"""PINs are kept off the stage, in whatever way a star code is written."""

from __future__ import annotations

import pytest

from simulator.stage.masking import message_without_pin, page_without_pin, text_without_pin, without_pin


@pytest.mark.parametrize(
    ("dialled", "shown"),
    [
        ("*354*2468#", "*354*••••#"),
        ("#354*2468#", "#354*••••#"),
        ("**21*2468*10#", "**21*••••#"),
        ("*354*2468", "*354*••••#"),
        ("(*354*2468#)", "*354*••••#"),
        ("+*354*2468#", "*354*••••#"),
        ("354*2468#", "354*••••"),
        ("*03*330*1111*2222*2222#", "*03••••"),
        ("＊354＊2468＃", "*354*••••#"),
        ("*354 * 2468#", "*354*••••#"),
        ("*354#", "*354#"),
        ("10086", "10086"),
        ("+8613800138001", "+8613800138001"),
        ("anonymous", "anonymous"),
        ("rf*announce*barred", "rf*announce*barred"),
        ("", ""),
    ],
)
def test_of_a_star_code_the_beginning_is_shown(dialled: str, shown: str) -> None:
    assert without_pin(dialled) == shown


@pytest.mark.parametrize(
    "code",
    [
        "*354*2468#",
        "*354*2468%23",
        "%2A354%2A2468%23",
        "*354*2468",
        "#354*2468#",
        "%EF%BC%8A354%EF%BC%8A2468%EF%BC%83",
        "＊354＊2468＃",
    ],
)
def test_no_uri_of_a_message_has_the_pin(code: str) -> None:
    message = (
        f"INVITE sip:{code}@ringfence.example;user=phone SIP/2.0\r\nTo: <sip:{code}@127.0.0.1:5060>\r\n"
        f'Authorization: Digest username="bob", uri="sip:{code}@ringfence.example", response="2468*x"\r\n\r\n'
    )

    shown = message_without_pin(message)

    assert "2468" not in shown.replace('response="2468*x"', "")
    assert shown.count("354*••••") == 3
    assert "@ringfence.example;user=phone SIP/2.0\r\n" in shown


@pytest.mark.parametrize("name", ["*354*2468#", "*354*2468%23"])
def test_a_code_is_not_shown_as_a_name_either(name: str) -> None:
    message = f'INVITE sip:*354*2468%23@a SIP/2.0\r\nTo: "{name}" <sip:*354*2468%23@b>\r\nSubject: {name}\r\n\r\n'

    assert message_without_pin(message) == (
        'INVITE sip:*354*••••%23@a SIP/2.0\r\nTo: "*354*••••#" <sip:*354*••••%23@b>\r\nSubject: *354*••••#\r\n\r\n'
    )


def test_other_messages_are_left_as_they_are() -> None:
    message = "INVITE sip:+8613800138001@a SIP/2.0\r\nAccept: */*\r\nTo: <sip:rf*announce*barred@b:5080>\r\n\r\n"

    assert message_without_pin(message) == message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*354*2468#", "*354*••••#"),
        ("Please dial *354*2468# for me", "Please dial *354*••••# for me"),
        ("“*354 * 24 68#”", "“*354*••••#”"),
        ("请拨＊354＊2468＃。", "请拨*354*••••#。"),
        ("密码354*2468#", "密码354*••••"),
        ("the code is*354*2468#", "the code is*354*••••#"),
        ("hidden: *354*\u200b2468#", "hidden: *354••••"),
        ("and 1*354*2468#", "and 1*••••"),
        ("or 10086*354*2468#", "or 10086*••••"),
        ("my code: #354*2468", "my code: #354*••••#"),
        ("old and new: *03*330*1111*2222*2222#", "old and new: *03••••"),
        ("*3542468#, I mean", "*••••, I mean"),
        ("was it *354 2468", "was it *••••"),
        ("354*2468# without its star", "354*•••• without its star"),
        ("***354*2468# and **21*2468*10#", "**•••• and **21*••••#"),
    ],
)
def test_in_the_words_of_a_text_a_star_code_shows_its_beginning(text: str, shown: str) -> None:
    assert text_without_pin(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Your parcel #48213 is held: pay at parcel.example/c*2/#a1",
        "Dial *354# or *100#, or press 1#",
        "*Only today*: call *+44 7700 900123* now, 2*3 for 1",
        "ALLOW +6591234567",
        "验证码 482913，请勿转发",
        "",
    ],
)
def test_the_words_of_other_texts_are_left_as_they_are(text: str) -> None:
    assert text_without_pin(text) == text


def test_a_text_is_shown_without_the_pin_in_its_words() -> None:
    message = "MESSAGE sip:10086@a SIP/2.0\r\nTo: <sip:10086@b>\r\nAccept: */*\r\n\r\ndial *354*2468#"

    assert message_without_pin(message) == message.replace("2468", "••••")


def test_a_page_of_a_run_shows_no_pin_and_keeps_its_script() -> None:
    page = (
        "<b>*354*2468#</b><pre>MESSAGE sip:10086@a SIP/2.0\n\n*21*1357#</pre><pre>INVITE sip:*354*2468%23@a</pre>"
        '<script type="application/json" id="data">{"callee":["*354*2468#"]}</script><script>x = *354*2468#</script>'
    )

    shown = page_without_pin(page, ["*354*2468#", "+8613800138001"])

    assert shown == (
        "<b>*354*••••#</b><pre>MESSAGE sip:10086@a SIP/2.0\n\n*21*••••#</pre><pre>INVITE sip:*354*••••%23@a</pre>"
        '<script type="application/json" id="data">{"callee":["*354*••••#"]}</script><script>x = *354*2468#</script>'
    )
    assert page_without_pin(shown, ["*354*••••#"]) == shown

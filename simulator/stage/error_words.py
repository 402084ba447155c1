"""Says in words of two languages why something was not taken: errors as programs get them -> as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from simulator.stage.events import Words
from simulator.stage.phrases import fill, joined, short


class _Error(NamedTuple):
    """One form of an error, and the words for it; without English ones they are its own."""

    pattern: str
    zh: str
    en: str = ""


_LONGEST = 200  # characters of an error that has no words of its own
_QUOTED = r"""(?P<what>'.*'|".*")"""  # as Python does: in double quotes where there is an apostrophe
# One of several errors: a semicolon parts them, but not one in what they quote.
_ONE = re.compile(r"""(?:(?<!\S)'(?:[^'\\]|\\.)*'|(?<!\S)"(?:[^"\\]|\\.)*"|(?!; ).)+""", re.DOTALL)
_NUMBER_EN = "a number such as +6591234567, or the beginning of numbers, such as +1900*"
_ERRORS: Sequence[_Error] = (
    # the hand
    _Error(
        r"found no from(?:, to)?|from: expected .*",
        "请填写主叫号码，例如 +12025550143；anonymous 表示隐藏号码。",
        "Say which number calls, such as +12025550143; anonymous withholds it.",
    ),
    _Error(
        r"found no to|to: expected .*",
        "请选择被叫用户，或填写要拨打的号码。",
        "Say whom to call: one of the subscribers, or a number to dial.",
    ),
    _Error(
        r"(?:method|body): expected .*",
        "请填写短信内容，最多 500 个字符。",
        "Write the words of the text, 500 characters at most.",
    ),
    _Error(r"display_name: expected .*", "显示的名称只能是一行文字。", "The name that is shown has to be one line."),
    _Error(
        r"ring, talk: expected at most (?P<what>\d+) s",
        "振铃和通话最长 {what} 秒。",
        "A call rings and lasts {what} s at most.",
    ),
    _Error(
        r"[\w, ]+: expected a text of at most (?P<what>\d+) characters",
        "最多 {what} 个字符。",
        "At most {what} characters are taken.",
    ),
    _Error(rf"found no family {_QUOTED}, .*", "没有 {what} 这类呼叫。"),
    # settings, rules, traffic, lessons
    _Error(rf"found no subscriber {_QUOTED}, .*", "没有用户 {what}。"),
    _Error(
        r"(?:allow|block): .*such as.*",
        "请填写号码，如 +6591234567；或以 * 结尾的号段，如 +1900*。",
        f"Say {_NUMBER_EN}, in international form or as dialled at home.",
    ),
    _Error(r"(?:allow|block): expected a list of at most (?P<what>\d+) numbers", "名单最多 {what} 个号码。"),
    _Error(r"(?P<what>.+): expected a rule that can be turned off", "规则 {what} 不能关闭。"),
    _Error(r"rate: expected .*", "请填写每秒呼叫数：大于 0，最多 100。"),
    _Error(rf"found no scenario {_QUOTED}, .*", "没有场景 {what}。"),
    _Error(r"no lesson is under way", "没有正在进行的课程。"),
    _Error(rf"found no lesson {_QUOTED}, .*", "没有课程 {what}。"),
    _Error(r"there is nothing to do in this step", "这一步没有要做的事。"),
    _Error(r"it is being done", "正在进行。"),
    _Error(r"(?P<what>.+) has no phone on this stage", "演示台上没有 {what} 的手机。"),
    _Error(r"nobody who called (?P<what>.+) was refused yet", "还没有打给 {what} 的来电被拦截。"),
    # phones and apps
    _Error(r"no notice on this phone tells of that caller", "这部手机上没有关于该来电的提醒短信。"),
    _Error(r"there is no call to end", "没有可以挂断的通话。"),
    _Error(r"expected keys 0 to 9, \* and #", "只能按 0 到 9、* 和 #。"),
    _Error(r"keys are pressed in a call", "通话中才能按键。"),
    _Error(r"expected a number, or a star code such as (?P<what>\S+)", "请输入号码，或星号代码，例如 {what}。"),
    _Error(r"there is a call already", "已有通话。"),
    _Error(r"expected a number to send the text to", "请输入收短信的号码。"),
    _Error(r"expected a text of at most (?P<what>\d+) characters", "请输入短信内容，最多 {what} 个字符。"),
    _Error(r"expected whole characters", "短信中有不完整的字符。"),
    _Error(r"nothing rings", "没有来电。"),
    _Error(r"(?:do|why|language|barring): expected .*", "没有这样的选项。"),
    _Error(r"apps: expected a list of at most (?P<what>\d+) \w+", "最多 {what} 个应用。"),
    _Error(r"name: expected a text of 1 to (?P<what>\d+) characters", "请填写应用名称，最多 {what} 个字符。"),
    # finished runs
    _Error(r"no such (?:call|run|phone|recording)|\S+: found no call .*", "没有找到。"),
    _Error(r"no report in it: .*", "该次运行没有报告。"),
    _Error(
        r"(?P<what>\S+): No space left on device",
        "{what}：磁盘空间不足，没有保存。",
        "{what}: the disk is full, nothing was saved.",
    ),
    # who asks, and how
    _Error(r"this address does not serve that host", "该地址不提供此主机名。"),
    _Error(r"an Origin is needed|another site may not ask this", "其他网站不能使用演示台。"),
    _Error(
        r"the address that `ringfence serve` printed has a token.*",
        "请使用 ringfence serve 显示的地址，其中带有令牌。",
    ),
    _Error(r"too many at once: wait a second", "操作过于频繁，请稍等一秒。"),
    _Error(r"at most (?P<what>\d+) bytes are taken", "内容过长，最多 {what} 字节。"),
    _Error(
        r"half a request|JSON is expected|found no JSON|expected a JSON object|\w+ more than once|\w+: expected .*"
        r"|found no [\w, ]+|(?:\w+: )?found .*, expected .*",
        "请求格式有误。",
    ),
)  # fmt: skip
_OTHER: Words = {"en": "{error}", "zh": "没有成功：{error}"}


def error_words(error: str) -> Words:
    """An error in words; where there are none, itself. Several are parted by a semicolon."""
    found = dict.fromkeys(each.removeprefix(" ") for each in _ONE.findall(error))  # behind its semicolon
    said = [words for each in found if (words := known(each)) is not None]
    if len(said) < len(found):
        return known(error) or fill(_OTHER, error=short(error, _LONGEST))
    return joined(list({each["en"]: each for each in said}.values()))


def known(error: str) -> Words | None:
    """The words for one error; None where there are none."""
    for one in _ERRORS:
        if (match := re.fullmatch(one.pattern, error, re.DOTALL)) is not None:
            forms = {"en": one.en or error.replace("{", "{{").replace("}", "}}"), "zh": one.zh}
            fields = {name: short(value, _LONGEST) for name, value in match.groupdict().items()}
            return fill(forms, **fields)
    return None

"""Words for the deeds that a lesson asks for, for its checks, and for what differs: English and Simplified Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from simulator.judging.lesson_checks import Difference
from simulator.scenario.lesson import LANGUAGES, SETTINGS, Deed, PlacedCall, See, SentText
from simulator.stage.events import Words
from simulator.stage.masking import text_without_pin, without_pin
from simulator.stage.phrases import fill, joined, short

# The rooms of a call on its way in, and subscribers' settings.
_TRUNKS: Mapping[str, Words] = {
    "international": {"en": "from abroad", "zh": "从境外线路"},
    "domestic": {"en": "from a line at home", "zh": "从国内线路"},
}
SETTING: Mapping[str, Words] = {
    "incoming_international": {"en": "bar calls and texts from abroad", "zh": "拦截境外来电和短信"},
    "incoming_international_texts": {"en": "bar texts from abroad", "zh": "拦截境外短信"},
    "anonymous": {"en": "reject withheld numbers", "zh": "拒接隐藏号码"},
    "all_incoming": {"en": "bar all incoming calls", "zh": "拦截所有来电"},
    "incoming_when_roaming": {"en": "bar calls while roaming", "zh": "漫游时拦截来电"},
    "outgoing_international": {"en": "bar own calls abroad", "zh": "限制拨打国际长途"},
    "all_outgoing": {"en": "bar all own calls", "zh": "限制所有呼出"},
    "notify": {"en": "texts about refused calls", "zh": "拦截提醒短信"},
}
_SAID: Mapping[str, Words] = {
    "call": {"en": "Call {to} {trunk}, showing {from}{name}.", "zh": "{trunk}呼叫 {to}，显示 {from}{name}。"},
    "theirs": {"en": "{who}'s number", "zh": "{who} 的号码"},
    "named": {"en": " and the name “{name}”", "zh": "，名称“{name}”"},
    "forwarded": {"en": " The call was forwarded by {by}.", "zh": "该来电由 {by} 转移而来。"},
    "dial": {"en": "At {from}'s phone, dial {to}.", "zh": "在 {from} 的手机上拨打 {to}。"},
    "text": {"en": "Text {to} {trunk}, showing {from}: “{body}”", "zh": "{trunk}给 {to} 发短信，显示 {from}：“{body}”"},
    "order": {"en": "At {from}'s phone, text “{body}” to {to}.", "zh": "在 {from} 的手机上发送“{body}”到 {to}。"},
    "on": {"en": "Switch on for {who}: {setting}.", "zh": "为 {who} 开启：{setting}。"},
    "off": {"en": "Switch off for {who}: {setting}.", "zh": "为 {who} 关闭：{setting}。"},
    "allow": {
        "en": "Let the refused caller through, from the notice on {who}'s phone.",
        "zh": "在 {who} 手机的拦截提醒上点“放行”。",
    },
    "apps": {"en": "{who}'s phone reports its apps: {apps}.", "zh": "{who} 的手机上报应用：{apps}。"},
    "no apps": {"en": "Switch the reporting of apps off on {who}'s phone.", "zh": "在 {who} 的手机上关闭应用上报。"},
    "rule": {"en": "Put the rule “{rule}” to “{mode}”.", "zh": "把规则“{rule}”设为“{mode}”。"},
}
BUTTONS: Mapping[str, Words] = {
    "call": {"en": "Place the call", "zh": "拨打"},
    "dial": {"en": "Dial", "zh": "拨号"},
    "text": {"en": "Send the text", "zh": "发送短信"},
    "set": {"en": "Switch it", "zh": "切换"},
    "allow": {"en": "Let through", "zh": "放行"},
    "rule": {"en": "Set the rule", "zh": "设置规则"},
    "apps": {"en": "Report the apps", "zh": "上报应用"},
    "no apps": {"en": "Switch it off", "zh": "关闭上报"},
    "next": {"en": "Next", "zh": "下一步"},
    "again": {"en": "Do it again", "zh": "再做一次"},
    "finish": {"en": "Finish", "zh": "结束课程"},
    "waits": {"en": "Watch …", "zh": "请看……"},
}
_MODES: Mapping[str, Words] = {
    "enforce": {"en": "enforce", "zh": "执行"},
    "shadow": {"en": "only count (shadow)", "zh": "仅记录（影子）"},
    "off": {"en": "off", "zh": "关闭"},
}
_SEEN: Mapping[str, Words] = {
    "rings": {"en": "the phone rings", "zh": "手机响铃"},
    "receives": {"en": "the text arrives", "zh": "短信送达"},
    "silent": {"en": "the phone stays silent", "zh": "手机不响"},
    "allow": {"en": "let through", "zh": "放行"},
    "label": {"en": "let through with a label", "zh": "放行并标注"},
    "challenge": {"en": "the caller must press a key", "zh": "主叫须按键"},
    "divert": {"en": "answered by the network", "zh": "由网络应答"},
    "reject": {"en": "refused", "zh": "拒绝"},
    "on": {"en": "on", "zh": "开"},
    "off": {"en": "off", "zh": "关"},
    "": {"en": "nothing", "zh": "没有看到"},
}
_KEYS: Mapping[str, Words] = {
    "phone": {"en": "phone", "zh": "手机"},
    "action": {"en": "verdict", "zh": "判定"},
    "rule": {"en": "rule", "zh": "规则"},
    "status": {"en": "caller gets", "zh": "主叫收到"},
    "label": {"en": "label", "zh": "标签"},
    "reply": {"en": "reply", "zh": "回复短信"},
    "allow": {"en": "allow list", "zh": "白名单"},
    "block": {"en": "block list", "zh": "黑名单"},
    "reported": {"en": "reported apps", "zh": "已上报的应用"},
    "warned": {"en": "warned of", "zh": "警示的应用"},
}
_DIFFERS: Words = {
    "en": "Seen otherwise. {key}: expected “{expected}”, seen “{seen}”.",
    "zh": "与预期不同。{key}：预期“{expected}”，实际“{seen}”。",
}
_STRAYED: Words = {
    "en": "Another call was placed, {from} to {to}. This step asks for {asked}.",
    "zh": "拨打的是另一个电话（{from} 到 {to}），本步骤要的是 {asked}。",
}
_LONGEST = 60  # characters of what came from elsewhere


def deed(one: Deed, rules: Mapping[str, Words]) -> Words:
    """The thing to do; `rules` are the names of rules that people know."""
    if one.request is not None:
        return _request(one.request)
    if one.set_ is not None:
        who = one.set_.subscriber
        said = [
            fill(_SAID["on" if on else "off"], who=who, setting=SETTING[name]) for name, on in one.set_.settings.items()
        ]
        return joined(said)
    if one.rule is not None:
        return fill(_SAID["rule"], rule=rules.get(one.rule.name, one.rule.name), mode=_MODES[one.rule.mode])
    if one.apps is not None:
        return fill(
            _SAID["apps" if one.apps.reports else "no apps"], who=one.subscriber, apps=_list(one.apps.installed)
        )
    return fill(_SAID["allow"], who=one.subscriber)


def button(one: Deed) -> Words:
    """The words on the button that does it."""
    if one.apps is not None and not one.apps.reports:
        return BUTTONS["no apps"]
    return BUTTONS["dial" if one.call is not None and one.call.by else one.kind]


def _request(request: PlacedCall | SentText) -> Words:
    shown: Words | str = request.from_
    if not any(character.isdigit() for character in request.from_):
        shown = fill(_SAID["theirs"], who=request.from_)
    if isinstance(request, SentText):
        form = _SAID["order" if request.by else "text"]
        trunk = _TRUNKS.get(request.trunk, "")
        from_ = request.from_ if request.by else shown
        to, body = without_pin(request.to), text_without_pin(request.body)
        return fill(form, **{"from": from_}, to=to, body=body, trunk=trunk)
    if request.by:
        return fill(_SAID["dial"], **{"from": request.from_}, to=without_pin(request.to))
    name: Words | str = fill(_SAID["named"], name=request.display_name) if request.display_name else ""
    said = fill(_SAID["call"], **{"from": shown}, to=request.to, trunk=_TRUNKS.get(request.trunk, ""), name=name)
    if request.diversion is None:
        return said
    more = fill(_SAID["forwarded"], by=request.diversion)
    return {language: said[language] + more[language] for language in LANGUAGES}


def check(see: See | None, rules: Mapping[str, Words]) -> Words | None:
    """All that must be seen; None where that goes without saying."""
    parts = list(_parts(see, rules)) if see is not None else []
    if not parts:
        return None
    return {
        "en": _sentence("; ".join(part["en"] for part in parts)),
        "zh": "；".join(part["zh"] for part in parts) + "。",
    }


def _parts(see: See, rules: Mapping[str, Words]) -> Iterator[Words]:
    if see.phone is not None:
        yield _SEEN[see.phone]
    if see.action is not None and not (see.phone == "rings" and see.action == "allow"):
        yield _SEEN[see.action]
    if see.label is not None:
        yield fill({"en": "it shows “{label}”", "zh": "显示“{label}”"}, label=_open(see.label))
    if see.rule is not None:
        yield fill({"en": "rule: “{rule}”", "zh": "规则：“{rule}”"}, rule=rules.get(see.rule, see.rule))
    if see.status is not None:
        yield fill({"en": "the caller gets {status}", "zh": "主叫收到 {status}"}, status=str(see.status))
    if see.reply is not None:
        yield {"en": "a text answers", "zh": "收到回复短信"}
    for name, on in (see.settings or {}).items():
        yield fill(
            {"en": "“{name}” is {on}", "zh": "“{name}”为{on}"}, name=SETTING[name], on=_SEEN["on" if on else "off"]
        )
    for key, numbers in (("allow", see.allow), ("block", see.block)):
        for number in numbers or ():
            yield fill({"en": "{number} is on the {list}", "zh": "{number} 在{list}上"}, number=number, list=_KEYS[key])

    if see.warned:
        yield fill({"en": "a warning of {apps}", "zh": "警示：{apps}"}, apps=_list(see.warned))
    elif see.warned is not None:
        yield {"en": "no warning", "zh": "没有警示"}


def _list(apps: Sequence[str]) -> Words:
    return {"en": ", ".join(apps), "zh": "、".join(apps)}


def difference(one: Difference, rules: Mapping[str, Words]) -> Words:
    """One thing that was seen otherwise."""
    if one.what == "rule":
        values = [rules.get(value, value) or _SEEN[""] for value in (one.expected, one.seen)]
    elif one.what in SETTINGS or one.what in ("phone", "action"):
        values = [_SEEN.get(value, value) for value in (one.expected, one.seen)]
    elif one.what in rules:
        values = [_MODES.get(value, value) for value in (one.expected, one.seen)]
    else:
        values = [_open(value) or _SEEN[""] for value in (one.expected, one.seen)]
    key = _KEYS.get(one.what) or SETTING.get(one.what) or rules.get(one.what) or one.what
    return fill(_DIFFERS, key=key, expected=values[0], seen=values[1])


def strayed(request: PlacedCall | SentText, placed: Mapping[str, object]) -> Words:
    """Another call was placed than the one that a step asks for."""
    to = str(placed.get("subscriber") or placed.get("to"))
    asked = f"{request.from_} → {without_pin(request.to)}"
    return fill(_STRAYED, **{"from": short(str(placed.get("from")), _LONGEST)}, to=short(to, _LONGEST), asked=asked)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _open(pattern: str) -> str:
    """A pattern as people read it."""
    return short(pattern.strip("*") + ("…" if pattern.endswith("*") else ""), _LONGEST)

"""Verdicts in plain words, in English and Simplified Chinese: what was decided, on what evidence, and what would have
happened otherwise.

The proxy tells its evidence in one line of English, a form for each reason: `_REASONS` has the words for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from proxy.counterfactual import Counterfactual
from simulator.scenario.lesson import LANGUAGES
from simulator.stage.events import Words
from simulator.stage.phrases import fill, joined, short

# The name of each rule, for switches and verdicts.
TITLES: Mapping[str, Words] = {
    "spoofed.subscriber_number": {"en": "Another subscriber's number", "zh": "冒用其他用户号码"},
    "never_block": {"en": "Never blocked", "zh": "从不拦截"},
    "barring.all_outgoing": {"en": "No outgoing calls", "zh": "禁止呼出"},
    "subscriber.allow": {"en": "Own allow list", "zh": "个人白名单"},
    "subscriber.block": {"en": "Own block list", "zh": "个人黑名单"},
    "spoofed.own_number": {"en": "The called number itself", "zh": "冒用被叫本人号码"},
    "spoofed.home_number": {"en": "Home number from abroad", "zh": "境外冒用国内号码"},
    "anonymous.reject": {"en": "No withheld numbers", "zh": "拒接匿名来电"},
    "barring.all_incoming": {"en": "No incoming calls", "zh": "禁止呼入"},
    "barring.incoming_when_roaming": {"en": "No calls while abroad", "zh": "漫游时禁止呼入"},
    "barring.incoming_international": {"en": "Barring of calls from abroad", "zh": "境外来电拦截"},
    "barring.outgoing_international": {"en": "No calls to abroad", "zh": "禁止国际呼出"},
    "scam_list.exact": {"en": "Reported number", "zh": "被举报的号码"},
    "scam_list.prefix": {"en": "Reported range", "zh": "被举报的号段"},
    "reputation.remote": {"en": "Reputation service", "zh": "号码信誉查询"},
    "default.allow": {"en": "Nothing speaks against it", "zh": "无拦截理由"},
    "self_service": {"en": "Subscriber's order", "zh": "用户自助设置"},
}


class _Reason(NamedTuple):
    """One form of a rule's evidence, by a pattern of its line, and the words for it."""

    pattern: str
    en: str
    zh: str


_ANY = ".*"
_REASONS: Mapping[str, Sequence[_Reason]] = {
    "spoofed.subscriber_number": (
        _Reason(
            r"(?P<what>.+) is not the authenticated subscriber's number",
            "The caller proved who they are, and shows {what}, which is not their number.",
            "主叫已通过身份验证，却显示了不属于自己的号码 {what}。",
        ),
        _Reason(_ANY, "The caller shows a number that is not theirs.", "主叫显示了不属于自己的号码。"),
    ),
    "never_block": (
        _Reason(
            r"(?P<what>.+) is an emergency number that calls back",
            "{what} is an emergency number, which calls back.",
            "{what} 是紧急号码，正在回拨。",
        ),
        _Reason(
            r"(?P<what>.+) is an emergency number",
            "{what} is an emergency number: such a call is never blocked.",
            "{what} 是紧急号码，任何情况下都不拦截。",
        ),
        _Reason(
            r"(?P<what>.+) may always call",
            "{what} came in on a trunk of the home network, and may always call.",
            "{what} 从国内线路打入，属于随时可以来电的号码。",
        ),
        _Reason(
            r"Priority: psap-callback",
            "The call says that an emergency centre calls back.",
            "呼叫标明是急救或报警中心的回拨。",
        ),
        _Reason(
            r"callee called an emergency number (?P<what>\d+) min ago",
            "The called subscriber called an emergency number {what} min ago: it may be calling back.",
            "被叫在 {what} 分钟前拨打过紧急号码，这可能是回拨。",
        ),
        _Reason(_ANY, "Such a call is never blocked.", "这类呼叫从不拦截。"),
    ),
    "barring.all_outgoing": (
        _Reason(_ANY, "{caller} lets no call leave this line.", "{caller} 已禁止本机呼出。"),
    ),
    "subscriber.allow": (
        _Reason(
            r"(?P<what>.+) is on the callee's allow list",
            "{what} is on {callee}'s own allow list.",
            "{what} 在 {callee} 的白名单上。",
        ),
        _Reason(_ANY, "The caller is on {callee}'s own allow list.", "主叫在 {callee} 的白名单上。"),
    ),
    "subscriber.block": (
        _Reason(
            r"(?P<what>.+) is on the callee's block list",
            "{what} is on {callee}'s own block list.",
            "{what} 在 {callee} 的黑名单上。",
        ),
        _Reason(_ANY, "The caller is on {callee}'s own block list.", "主叫在 {callee} 的黑名单上。"),
    ),
    "spoofed.own_number": (
        _Reason(
            r"(?P<what>.+) is the callee's own number, but came in on trunk .*",
            "The caller shows {what}, the number of {callee}: nobody calls themselves from outside.",
            "主叫显示的是 {callee} 本人的号码 {what}，而外来呼叫不可能来自本机。",
        ),
        _Reason(_ANY, "The caller shows {callee}'s own number.", "主叫显示的是 {callee} 本人的号码。"),
    ),
    "spoofed.home_number": (
        _Reason(
            r"home number (?P<what>.+) \([^()]*\) from trunk .*",
            "The caller shows {what}, a number of this country, but the call comes from abroad.",
            "主叫显示国内号码 {what}，但呼叫来自境外。",
        ),
        _Reason(_ANY, "A number of this country calls from abroad.", "显示国内号码的呼叫来自境外。"),
    ),
    "anonymous.reject": (
        _Reason(_ANY, "The caller withholds their number, and {callee} takes no such calls.",
                "主叫隐藏了号码，而 {callee} 拒接匿名来电。"),
    ),
    "barring.all_incoming": (
        _Reason(_ANY, "{callee} takes no calls at all.", "{callee} 已禁止所有来电。"),
    ),
    "barring.incoming_when_roaming": (
        _Reason(_ANY, "{callee} is abroad, and takes no calls there.", "{callee} 正在境外漫游，并已禁止漫游时的来电。"),
    ),
    "barring.incoming_international": (
        _Reason(
            r"overseas caller (?P<what>.+) \([^()]*\) on trunk .*",
            "{what} calls from abroad, and {callee} bars calls from abroad.",
            "{what} 是境外来电，而 {callee} 已开启境外来电拦截。",
        ),
        _Reason(_ANY, "The call comes from abroad, and {callee} bars such calls.",
                "呼叫来自境外，而 {callee} 已开启境外来电拦截。"),
    ),
    "barring.outgoing_international": (
        _Reason(_ANY, "The call goes abroad, and {caller} lets no call go abroad.",
                "这是国际呼出，而 {caller} 已禁止国际呼出。"),
    ),
    "scam_list.exact": (
        _Reason(
            r"(?P<what>\S+) is listed by (?P<by>.+) for (?P<for>.+) \((?P<sure>[\d.]+)\)",
            "{what} is on a list of scam numbers ({for}, by {by}, confidence {sure}).",
            "{what} 在诈骗号码名单上（{for}，来源{by}，置信度{sure}）。",
        ),
        _Reason(_ANY, "The number is on a list of scam numbers.", "该号码在诈骗号码名单上。"),
    ),
    "scam_list.prefix": (
        _Reason(
            r"(?P<what>\S+?)\*? is listed by (?P<by>.+) for (?P<for>.+) \((?P<sure>[\d.]+)\)",
            "Numbers that begin with {what} are on a list of scam ranges ({for}, by {by}, confidence {sure}).",
            "以 {what} 开头的号段在诈骗号段名单上（{for}，来源{by}，置信度{sure}）。",
        ),
        _Reason(_ANY, "The range of the number is on a list of scam ranges.", "该号段在诈骗号段名单上。"),
    ),
    "reputation.remote": (
        _Reason(
            r"(?P<by>.+) rates (?P<what>\S+) as (?P<for>.+) \((?P<rate>[\d.]+)(?:, confidence [\d.]+)?\).*",
            "The service {by} rates {what} as {for} ({rate}).",
            "信誉服务{by}将 {what} 评为{for}（{rate}）。",
        ),
        _Reason(
            r"(?P<by>[^:]+): .*on_failure: block.*",
            "The service {by} gave no answer, and nobody passes without one.",
            "信誉服务{by}没有应答，按设置一律不予放行。",
        ),
        _Reason(_ANY, "A reputation service speaks against the caller.", "信誉服务对该主叫评价不良。"),
    ),
    "default.allow": (_Reason(_ANY, "No rule speaks against it.", "没有任何规则要拦截它。"),),
    "self_service": (
        _Reason(
            r"(?P<what>.+) by .+: changed",
            "An order to the operator, {what}: it is carried out.",
            "用户向运营商发出的指令 {what}：已生效。",
        ),
        _Reason(
            r"(?P<what>.+) by .+: wrong-pin",
            "An order to the operator, {what}: the PIN is wrong, and nothing changes.",
            "用户向运营商发出的指令 {what}：密码错误，设置不变。",
        ),
        _Reason(
            r"(?P<what>.+) by .+: locked",
            "An order to the operator, {what}: too many wrong PINs, star codes are locked.",
            "用户向运营商发出的指令 {what}：密码多次错误，星号代码已锁定。",
        ),
        _Reason(
            r"(?P<what>.+) by .+: .+",
            "An order to the operator, {what}: nothing changes by it.",
            "用户向运营商发出的指令 {what}：设置没有变化。",
        ),
        _Reason(_ANY, "An order to the operator that nobody may give so.", "这种指令不被接受。"),
    ),
}  # fmt: skip

_DECIDED: Mapping[str, Words] = {
    "refused": {"en": "Refused with {status}. The phone stays silent.", "zh": "已拦截（{status}），手机不会响铃。"},
    "told": {
        "en": "Refused with {status}, after an announcement to the caller. The phone stays silent.",
        "zh": "先向主叫播放提示音，再拦截（{status}），手机不会响铃。",
    },
    "text refused": {
        "en": "Refused with {status}. The text does not arrive.",
        "zh": "已拦截（{status}），短信不会送达。",
    },
    "allowed": {"en": "Let through. The phone rings.", "zh": "放行，手机响铃。"},
    "text allowed": {"en": "Let through. The text arrives.", "zh": "放行，短信送达。"},
    "labelled": {"en": "Let through, with a label: “{label}”.", "zh": "放行，并在手机上标注“{label}”。"},
    "marked": {"en": "Let through, with a mark for the phone.", "zh": "放行，并给手机带上标记。"},
    "warned": {
        "en": "Let through. Whoever answers hears a warning first.",
        "zh": "放行，接听者会先听到防骗提醒。",
    },
    "challenged": {
        "en": "Held back. The caller has to press a key before the phone rings.",
        "zh": "暂缓接通，主叫须先按键，手机才会响铃。",
    },
    "voicemail": {"en": "Sent to the voicemail. The phone stays silent.", "zh": "转入语音信箱，手机不会响铃。"},
    "honeypot": {
        "en": "Sent to a machine that keeps the caller talking. The phone stays silent.",
        "zh": "转给自动陪聊机，手机不会响铃。",
    },
    "played": {"en": "Answered by an announcement. The phone stays silent.", "zh": "由提示音应答，手机不会响铃。"},
    "ordered": {
        "en": "Not a call: the operator takes it as an order.",
        "zh": "这不是普通呼叫：运营商将其作为指令处理。",
    },
}

_OTHERWISE: Mapping[str, Words] = {
    "rang": {
        "en": "If “{title}” were off, the phone would have rung.",
        "zh": "如果关闭“{title}”，手机就会响铃。",
    },
    "text": {
        "en": "If “{title}” were off, the text would have arrived.",
        "zh": "如果关闭“{title}”，短信就会送达。",
    },
    "labelled": {
        "en": "If “{title}” were off, the phone would have rung, with a label.",
        "zh": "如果关闭“{title}”，手机就会响铃，并带有标注。",
    },
    "challenged": {
        "en": "If “{title}” were off, the caller would have had to press a key first ({by}).",
        "zh": "如果关闭“{title}”，主叫须先按键（{by}）。",
    },
    "diverted": {
        "en": "If “{title}” were off, the call would have been diverted ({by}).",
        "zh": "如果关闭“{title}”，呼叫会被转接（{by}）。",
    },
    "refused": {
        "en": "If “{title}” were off, it would have been refused by “{by}”.",
        "zh": "如果关闭“{title}”，它会被“{by}”拦截。",
    },
    "refused too": {
        "en": "If “{title}” were off, “{by}” would have refused it all the same.",
        "zh": "即使关闭“{title}”，它仍会被“{by}”拦截。",
    },
    "unknown": {
        "en": "What would have happened without “{title}” cannot be told.",
        "zh": "没有“{title}”会怎样，无从得知。",
    },
    "barred": {
        "en": "If {callee} barred calls from abroad, it would have been refused.",
        "zh": "如果 {callee} 开启境外来电拦截，它就会被拦截。",
    },
    "shadowed": {
        "en": "“{by}”, which is only noted, would have stopped it.",
        "zh": "“{by}”仅作记录；若启用，它会被拦下。",
    },
}
PROXY_ENDED: Words = {
    "en": "The proxy has ended: no call gets through any more. End ringfence serve with Ctrl-C, and start it again.",
    "zh": "代理服务器已停止，呼叫无法继续。请用 Ctrl-C 结束 ringfence serve，然后重新启动。",
}
_LONGEST = 100  # characters of what a caller wrote, in a sentence


def title(rule: str) -> Words:
    """The name of a rule; its own where it is an unknown one."""
    return TITLES.get(rule, dict.fromkeys(LANGUAGES, rule))


def decided(action: str, status: int | None, label: str, service: str, method: str, rule: str) -> Words:
    """Say what was decided over a call or text."""
    return fill(_DECIDED[_kind(action, label, service, method, rule)], status=str(status or ""), label=_short(label))


def _kind(action: str, label: str, service: str, method: str, rule: str) -> str:
    is_text = method == "MESSAGE"
    if rule == "self_service" and action != "reject":
        return "ordered"
    if action == "reject":
        return "text refused" if is_text else "told" if service else "refused"
    if action == "divert":
        sort = service.removeprefix("rf*").partition("*")[0]
        return sort if sort in ("voicemail", "honeypot") else "played"
    if action == "challenge":
        return "challenged"
    if action == "label":
        return "warned" if service.startswith("rf*warn*") else "labelled" if label else "marked"
    return "text allowed" if is_text else "allowed"


def evidence(rule: str, detail: str, caller: str, callee: str) -> Words:
    """The evidence of a rule; `caller` and `callee` are how people name them."""
    for reason in _REASONS.get(rule, ()):
        if (found := re.fullmatch(reason.pattern, detail, re.DOTALL)) is not None:
            fields = {name: _short(value) for name, value in found.groupdict().items()}
            return fill(
                {"en": reason.en, "zh": reason.zh},
                caller=_short(caller),
                callee=_short(callee),
                **fields,
            )
    return dict.fromkeys(LANGUAGES, _short(detail))


def otherwise(
    found: Counterfactual | None,
    rule: str,
    action: str,
    method: str,
    *,
    callee: str = "",
    barred: bool = False,
    trace: Sequence[Sequence[str]] = (),
) -> Words:
    """Say what would have happened without the rule that decided (`found`), or if the callee `barred` calls from
    abroad, and what rules in shadow mode wanted. Empty where there is nothing to tell."""
    said: list[Words] = []
    if found is not None:
        by = title(found.by)
        said.append(fill(_OTHERWISE[_became(found, action, method)], title=title(rule), by=by))
    elif barred:
        said.append(fill(_OTHERWISE["barred"], callee=_short(callee)))
    said += (fill(_OTHERWISE["shadowed"], by=title(each)) for each in _shadowed(trace))
    return joined(said) if said else {}


def _became(found: Counterfactual, action: str, method: str) -> str:
    if found.unknown or found.asks:
        return "unknown"
    if found.action == "reject":
        return "refused too" if action == "reject" else "refused"
    if found.action in ("challenge", "divert"):
        return "challenged" if found.action == "challenge" else "diverted"
    if method == "MESSAGE":
        return "text"
    return "labelled" if found.action == "label" else "rang"


def _shadowed(trace: Sequence[Sequence[str]]) -> Iterator[str]:
    for rule, mode, outcome, _ in trace:
        if mode == "shadow" and outcome in ("reject", "divert", "challenge"):
            yield rule


def _short(text: str) -> str:
    return short(text, _LONGEST)

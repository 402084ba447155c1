"""The words of the hand-out, in English and Simplified Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.stage.events import Words

SAID: Mapping[str, Words] = {
    "title": {"en": "What we saw today", "zh": "今天看到了什么"},
    "about": {"en": "A session on the Ringfence stage", "zh": "Ringfence 现场演示记录"},
    "when": {"en": "{date}, {begun} to {now}", "zh": "{date} {begun}–{now}"},
    "lab": {
        "en": "A lab on one computer, home country {home}, rules “{preset}”. No real phone was called.",
        "zh": "单机实验环境，本国 {home}，规则集“{preset}”。没有拨打任何真实电话。",
    },
    "other": {"en": "中文", "zh": "English"},
    "print": {"en": "Print", "zh": "打印"},
    "remember": {"en": "To remember", "zh": "请记住"},
    "lessons": {"en": "Lessons", "zh": "课程"},
    "no lessons": {"en": "No lesson was played.", "zh": "没有上课程。"},
    "figures": {"en": "Figures", "zh": "数据"},
    "no figures": {"en": "No call was placed.", "zh": "没有拨打任何电话。"},
    "recall": {"en": "Scam calls stopped", "zh": "拦截的诈骗电话"},
    "false": {"en": "Wanted calls wrongly stopped", "zh": "误拦的正常电话"},
    "of": {"en": "{hits} of {of}", "zh": "{of} 个中的 {hits} 个"},
    "interval": {"en": "95 % interval: {low} to {high}", "zh": "95% 区间：{low} 至 {high}"},
    "delay": {"en": "Time that the check adds", "zh": "判断增加的时延"},
    "half": {
        "en": "half of {count} calls within {p50}, 95 % within {p95}",
        "zh": "{count} 次呼叫中一半在 {p50} 内，95% 在 {p95} 内",
    },
    "how": {
        "en": "A handful of calls proves little: the true rate lies somewhere in the interval (Wilson). A measure has "
        "two figures, always: the scam that it stops, and the wanted calls that it stops as well.",
        "zh": "几个电话说明不了太多：真实比例在区间内的某处（Wilson 区间）。"
        "一项措施总有两个数字：拦截多少诈骗，误拦多少正常电话。",
    },
    "kinds": {"en": "By kind of call", "zh": "按来电类型"},
    "kind": {"en": "Kind", "zh": "类型"},
    "scam_blocked": {"en": "scam stopped", "zh": "诈骗拦截"},
    "scam_passed": {"en": "scam let through", "zh": "诈骗漏拦"},
    "legit_passed": {"en": "wanted let through", "zh": "正常放行"},
    "legit_blocked": {"en": "wanted stopped", "zh": "正常误拦"},
    "calls": {"en": "Calls and texts", "zh": "电话与短信"},
    "latest": {"en": "The latest {shown} of {count}.", "zh": "共 {count} 个，这里是最近的 {shown} 个。"},
    "time": {"en": "Time", "zh": "时间"},
    "who": {"en": "Showed", "zh": "显示号码"},
    "to": {"en": "Called", "zh": "被叫"},
    "was": {"en": "Was", "zh": "性质"},
    "became": {"en": "What became of it, and why", "zh": "结果与原因"},
    "scam": {"en": "scam", "zh": "诈骗"},
    "attack": {"en": "attack", "zh": "攻击"},
    "legit": {"en": "wanted", "zh": "正常"},
    "unknown": {"en": "—", "zh": "—"},
    "rightly": {"en": "rightly", "zh": "正确"},
    "wrongly": {"en": "wrongly", "zh": "错误"},
    "text": {"en": "text", "zh": "短信"},
    "done": {"en": "seen", "zh": "看到"},
    "failed": {"en": "seen otherwise", "zh": "与预期不同"},
    "skipped": {"en": "not done", "zh": "未做"},
    "own": {"en": "Chosen by the trainer", "zh": "讲师自选"},
    "foot": {
        "en": "All numbers are made up. Made by Ringfence, a lab for trying measures against scam calls.",
        "zh": "所有号码均为虚构。由 Ringfence（反诈电话措施实验环境）生成。",
    },
}

# Kinds of calls that lessons name and no button does.
KINDS: Mapping[str, Words] = {
    "callback": {"en": "Call back to a missed call", "zh": "回拨未接来电"},
    "cleared": {"en": "Number that was cleared", "zh": "已解除举报的号码"},
    "forwarded": {"en": "Forwarded home", "zh": "呼叫转移回国"},
    "known": {"en": "Known to the callee", "zh": "被叫认识的人"},
    "office": {"en": "Office at home", "zh": "国内单位"},
    "orders": {"en": "Orders by text and star code", "zh": "短信与拨号指令"},
    "reported": {"en": "Reported number", "zh": "被举报的号码"},
    "roaming": {"en": "Traveller who calls home", "zh": "出差的人打回家"},
    "sim-box": {"en": "Rented line at home", "zh": "国内租来的号码"},
    "sold-sim": {"en": "Sold SIM card, used abroad", "zh": "卖掉的卡在境外使用"},
    "text-then-call": {"en": "Text, then call", "zh": "先短信后电话"},
}

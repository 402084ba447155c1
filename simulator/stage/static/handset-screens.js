// The screens of the handset, as elements: a call over everything, or the part that was chosen below.

import { el, svg } from "./dom.js";
import { figure } from "./figures.js";
import { appScreen } from "./handset-app.js";
import { microphoneIsAllowed } from "./handset-sound.js";
import { languageNow, t } from "./words.js";

const TABS = ["calls", "keypad", "texts", "settings", "app"];
const KEYS = [..."123456789*0#"];
const UNDER = { 2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ", 0: "+" };
const PATHS = {
  calls: "M6.6 3 9.400 7 8 9.500a12 12 0 0 0 6.500 6.500L17 14.600l4 2.800c-.4 2.300-1.900 3.600-4 3.600C9.500 21 3 14.500 3 7c0-2.100 1.300-3.600 3.600-4Z",
  keypad: "M5 4h3v3H5Zm5.500 0h3v3h-3ZM16 4h3v3h-3ZM5 10h3v3H5Zm5.500 0h3v3h-3ZM16 10h3v3h-3ZM5 16h3v3H5Zm5.500 0h3v3h-3ZM16 16h3v3h-3Z",
  texts: "M3 5h18v12H9l-4 3.500V17H3Z",
  settings: "M4 7h9m4 0h3M4 17h3m4 0h9M15 4.500v5M9 14.500v5",
  app: "M12 3l8 3v6c0 4.500-3.200 7.600-8 9-4.800-1.400-8-4.500-8-9V6Z",
};

const icon = (name) => svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));

/** Time of day, in the reader's way. */
export const timeOf = (at) => new Date(at * 1000).toLocaleTimeString(languageNow() === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" });

/** What fills the page now. */
export function screenOf(state) {
  const { phone } = state;
  if (!state.on) return offScreen(state);
  if (phone.state !== "idle") return callScreen(state);
  return { calls: callsScreen, keypad: keypadScreen, texts: textsScreen, settings: settingsScreen, app: appScreen }[state.tab](state);
}

/** The parts of the phone, with what is new there. */
export function tabsOf(state) {
  const unread = state.phone.texts.filter((each) => !each.to && each.at > state.seen).length;
  const warned = state.reports ? state.phone.apps.warnings.length : 0;
  const news = { texts: unread, app: warned };
  return TABS.map((tab) => el("button",
    { type: "button", "data-do": "tab", "data-tab": tab, "data-key": tab, "aria-current": tab === state.tab ? "page" : null },
    icon(tab),
    el("span", {}, t(`tab.${tab}`)),
    news[tab] ? el("span", { class: "news" }, el("span", { "aria-hidden": "true" }, String(news[tab])), el("span", { class: "unseen" }, t("tab.new", { count: news[tab] }))) : null));
}

function offScreen({ phone }) {
  return el("section", { class: "pane off", "data-key": "off" },
    figure("idle"),
    el("h2", { tabindex: "-1" }, t("off.title", { name: phone.name })),
    el("p", {}, t("off.says")),
    el("p", {}, t("off.sound")),
    el("p", {}, t(microphoneIsAllowed() ? "off.microphone" : "off.no_microphone")),
    el("button", { type: "button", class: "act on", "data-do": "on" }, t("off.button")));
}

// --- a call

function callScreen(state) {
  const { phone } = state;
  const { call } = phone;
  const ringing = phone.state === "ringing";
  return el("section", { class: state.keys ? "pane calling pressing" : "pane calling", "data-key": `call ${call.id}`, "data-state": phone.state },
    el("p", { class: "doing" }, figure(ringing ? "rings" : "talking"), el("span", {}, t(`call.${phone.state}`)),
      phone.state === "talking" ? el("span", { id: "clock", class: "clock" }, "0:00") : null),
    warnings(call, state),
    el("h2", { tabindex: "-1", class: "peer" }, call.peer || t("call.hidden")),
    call.display_name && call.display_name !== call.label ? el("p", { class: "shown-name" }, call.display_name) : null,
    phone.state === "talking" ? talking(state) : null,
    el("div", { class: "acts" },
      ringing ? el("button", { type: "button", class: "act answer", "data-do": "answer" }, figure("talking"), t("call.answer")) : null,
      el("button", { type: "button", class: "act refuse", "data-do": "hang_up" }, figure("refused"), t(ringing ? "call.refuse" : "call.hang_up"))));
}

function warnings(call, state) {
  const own = state.warns ? call.warnings : [];
  if (!call.label && own.length === 0) return null;
  return el("div", { class: "warnings" },
    call.label ? el("p", { class: "network" }, el("span", { class: "by" }, t("call.label")), el("strong", {}, call.label)) : null,
    own.map((each) => el("p", { class: "warning", "data-key": each }, figure("warned"), el("strong", {}, t(`warned.${each}`)))));
}

function talking(state) {
  const { phone, microphone } = state;
  if (!phone.call.sound) return el("p", { class: "dim" }, t("call.no_sound"));
  const missing = microphone.state === "insecure" || microphone.state === "refused";
  return el("div", { class: "talking" },
    el("label", { class: "level" }, el("span", {}, t("call.heard")), el("meter", { id: "heard", min: "0", max: "1" })),
    missing
      ? el("p", { class: "dim" }, t("microphone.none", { why: t(`microphone.${microphone.state}`) }))
      : el("label", { class: "level" }, el("span", {}, t("call.said")), el("meter", { id: "said", min: "0", max: "1" })),
    el("div", { class: "pair" },
      microphone.state === "insecure" ? null : el("button",
        { type: "button", "data-do": "microphone", "aria-pressed": String(microphone.state === "on") },
        t(microphone.state === "on" ? "microphone.on" : "microphone.off")),
      el("button", { type: "button", "data-do": "keys", "aria-expanded": String(state.keys) }, t(state.keys ? "call.no_keys" : "call.keys"))),
    state.keys ? pad() : null);
}

function pad() {
  return el("div", { class: "pad", role: "group", "aria-label": t("keypad.title") }, KEYS.map((key) => el("button",
    { type: "button", class: "key", "data-do": "key", "data-key": key, "aria-label": { "*": t("key.star"), "#": t("key.hash") }[key] ?? key },
    el("span", {}, key),
    el("small", { "aria-hidden": "true" }, UNDER[key] ?? ""))));
}

// --- the parts

function callsScreen({ phone }) {
  return [
    el("section", { class: "pane ready", "data-key": "ready" },
      figure("rings"),
      el("div", {}, el("h2", { tabindex: "-1" }, t("ready.title")), el("p", { class: "dim" }, t("ready.says"))),
      el("button", { type: "button", "data-do": "off" }, t("ready.off")),
      phone.aside ? el("p", { class: "warning" }, figure("warned"), el("strong", {}, t("softphone.aside"))) : null),
    el("section", { class: "pane", "data-key": "recent" },
      el("h2", {}, t("recent.title")),
      phone.recent.length === 0 ? el("p", { class: "dim" }, t("recent.none")) : el("ol", { class: "recent" }, phone.recent.map(past))),
    el("section", { class: "pane", "data-key": "softphone" },
      el("details", {},
        el("summary", {}, t("softphone.title")),
        el("p", { class: "dim" }, t("softphone.says")),
        el("dl", {}, Object.entries(phone.softphone).map(([key, value]) => el("div", {}, el("dt", {}, t(`softphone.${key}`)), el("dd", {}, value || "–")))))),
  ];
}

function past(call) {
  const missed = call.seconds === null;
  const how = call.incoming ? (missed ? "missed" : "in") : (missed ? "unreached" : "out");
  const callable = /^\+?[0-9]{2,20}$/.test(call.peer);
  return el("li", { class: how, "data-key": `${call.at}` },
    el("div", {},
      el("p", { class: "peer" }, call.peer || t("call.hidden")),
      call.display_name ? el("p", { class: "dim" }, call.display_name) : null,
      el("p", { class: "dim" }, `${t(`recent.${how}`)} · ${timeOf(call.at)}`)),
    callable ? el("button", { type: "button", class: "round", "data-do": "dial", "data-number": call.peer, "aria-label": t("recent.call", { number: call.peer }) }, icon("calls")) : null);
}

function keypadScreen(state) {
  const code = state.phone.ways.find((each) => each.code)?.code ?? "354";
  const starts = /^[*#]/.test(state.dialled);
  return el("section", { class: "pane dialling", "data-key": "keypad" },
    el("h2", { tabindex: "-1" }, t("keypad.title")),
    el("label", {}, el("span", { class: "unseen" }, t("keypad.number")),
      el("input", { id: "dialled", inputmode: "tel", autocomplete: "off", maxlength: "40", value: state.dialled })),
    el("p", { class: "dim hint" }, starts ? t("keypad.pin") : t("keypad.star", { code: `*${code}*` })),
    pad(),
    el("div", { class: "pair" },
      el("button", { type: "button", class: "act answer", "data-do": "dial" }, figure("talking"), t("keypad.call")),
      el("button", { type: "button", class: "back", "data-do": "back", "aria-label": t("keypad.back") }, "⌫")));
}

function textsScreen(state) {
  const { phone } = state;
  return [
    el("section", { class: "pane", "data-key": "texts" },
      el("h2", { tabindex: "-1" }, t("texts.title")),
      phone.texts.length === 0 ? el("p", { class: "dim" }, t("texts.none")) : el("ol", { class: "bubbles" }, phone.texts.map((text) => bubble(text, state)))),
    el("section", { class: "pane", "data-key": "write" },
      el("form", { "data-submit": "send" },
        el("h2", {}, t("texts.write")),
        el("label", {}, el("span", {}, t("texts.number")), el("input", { id: "to", inputmode: "tel", autocomplete: "off", maxlength: "40", placeholder: phone.service })),
        el("label", {}, el("span", {}, t("texts.body")), el("textarea", { id: "body", rows: "3", maxlength: "500" })),
        el("button", { class: "act on" }, t("texts.send")))),
  ];
}

function bubble(text, state) {
  const own = state.warns ? text.warnings : [];
  const allowed = state.allowed.includes(text.allow) || state.phone.settings.allow.includes(text.allow);
  return el("li", { class: text.to ? "sent" : "came", "data-key": `${text.at}` },
    el("p", { class: "dim" }, `${text.to ? t("texts.to", { who: text.to }) : t("texts.from", { who: text.from || t("call.hidden") })} · ${timeOf(text.at)}`),
    own.length ? el("ul", { class: "warned-of" }, own.map((each) => el("li", {}, figure("warned"), t(`warned.${each}`)))) : null,
    el("p", { class: "body" }, text.body),
    text.allow ? (allowed
      ? el("p", { class: "done" }, figure("legit"), t("texts.allowed", { number: text.allow }))
      : el("button", { type: "button", class: "act on", "data-do": "allow", "data-number": text.allow }, t("texts.allow", { number: text.allow }))) : null);
}

function settingsScreen(state) {
  const { phone } = state;
  return [
    el("section", { class: "pane", "data-key": "settings" },
      el("h2", { tabindex: "-1" }, t("settings.title")),
      el("p", { class: "dim" }, t("settings.says")),
      el("ul", { class: "orders" }, phone.ways.map((each) => way(each, state)))),
    el("section", { class: "pane", "data-key": "lists" },
      ...["allow", "block"].map((which) => el("div", { class: "list" },
        el("h2", {}, t(`settings.${which}`)),
        el("p", {}, phone.settings[which].join(", ") || t("settings.nobody"))))),
  ];
}

function way(each, state) {
  const on = Boolean(state.phone.settings.on[each.setting]);
  const order = on ? each.off : each.on;
  const sent = order && state.sent?.text === order.text && state.sent.to === order.to;
  return el("li", { "data-key": each.setting },
    el("div", { class: "setting" },
      el("h3", {}, t(`setting.${each.setting}`)),
      el("p", { class: on ? "mark yes" : "mark" }, t(on ? "settings.on" : "settings.off"))),
    order ? el("button", { type: "button", "data-do": "order", "data-to": order.to, "data-text": order.text },
      t(sent ? "settings.sent" : on ? "settings.text_off" : "settings.text_on", order)) : null,
    each.code ? el("button", { type: "button", class: "quiet", "data-do": "prepare", "data-code": `${on ? "#" : "*"}${each.code}*` },
      t(on ? "settings.dial_off" : "settings.dial_on", { code: each.code })) : null);
}

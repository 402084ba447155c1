// The switches: each subscriber's own settings, and the ways in which subscribers change them.

import { get, post } from "./api.js";
import { el, onDo, show } from "./dom.js";
import { figure } from "./figures.js";
import { clock, t } from "./words.js";

const BARRING = [
  "incoming_international", "incoming_international_texts", "anonymous", "all_incoming", "incoming_when_roaming",
  "outgoing_international", "all_outgoing",
];
const CODE = /^(?:[*#]|\d{2,3}[*#])/; // a star code, also where the first key was left out
const HAS_PIN = /^(?:[*#]{1,2}\d{2,3}[*#]\d|[*#]{1,2}\d{4}|\d{2,3}[*#]\d)/; // one of which others shall not see more
const OTHERS = ["notify", "roaming"];

/** A text as it would be dialled: by keys that there are, without what is passed over in numbers. */
const asDialled = (text) => text.normalize("NFKC").replace(/[-.() \t+]/g, "");

/** Draws into `root`; `failed(answer)` hears of what was not taken, `code(name)` of whose phone a handset shall be. */
export class Switches {
  constructor(root, { failed, code }) {
    this.root = root;
    this.failed = failed;
    this.phones = new Map(); // by name: what its page would show
    this.secret = new Set(); // names of those for whom a PIN is being typed
    this.read = new Map(); // by name: its latest text, and the latest call before that which was refused
    onDo(root, {
      turn: ({ dataset: { of, setting }, ariaChecked }) => {
        const wanted = { [setting]: ariaChecked !== "true" };
        this._change(of, BARRING.includes(setting) ? { barring: wanted } : wanted);
      },
      drop: (button) => {
        const { of, list, number } = button.dataset;
        this._change(of, { [list]: { drop: [number] } });
      },
      code: (button) => code(button.dataset.of),
      allow: (button) => this._phone(button.dataset.of, { do: "allow", number: button.dataset.number }),
    });
    root.addEventListener("focusin", (event) => {
      const name = event.target.closest(".ways")?.dataset.of;
      if (name && !this.phones.has(name)) this._look(name);
    });
    root.addEventListener("input", ({ target }) => {
      const of = target.closest(".ways")?.dataset.of;
      if (!of) return;
      this.secret[HAS_PIN.test(asDialled(target.value)) ? "add" : "delete"](of);
      this.draw(this.state);
    });
    root.addEventListener("submit", (event) => {
      event.preventDefault();
      const form = event.target;
      const { of, does, list } = form.dataset;
      const value = form.elements.value.value.trim();
      if (!value) return;
      if (does === "list") this._add(of, list, value, form.elements.value);
      else if (CODE.test(asDialled(value))) this._phone(of, { do: "dial", number: asDialled(value) });
      else this._phone(of, { do: "text", to: form.elements.to.value.trim(), body: value });
      form.elements.value.value = "";
      this.secret.delete(of);
    });
  }

  async _change(subscriber, settings) {
    const answer = await post("/api/settings", { subscriber, settings });
    if (!answer.ok) this.failed(answer);
    return answer.ok;
  }

  /** Put a number on a list. One that was not taken is to be mended, unless the next one is typed by then. */
  async _add(subscriber, list, number, input) {
    if (await this._change(subscriber, { [list]: { add: [number] } }) || input.value) return;
    input.value = number;
  }

  async _phone(name, body) {
    const answer = await post(`/api/phones/${encodeURIComponent(name)}`, body);
    if (!answer.ok) this.failed(answer);
  }

  /** Ask what a phone shows: which of its texts offer to let a caller through, and which words change settings. */
  async _look(name) {
    const read = this.read.get(name);
    const view = await get(`/api/phones/${encodeURIComponent(name)}`);
    if (view && this.read.get(name) === read) this.phones.set(name, view);
    this.draw(this.state);
  }

  draw(state) {
    this.state = state;
    for (const { name, phone } of state.subscribers) {
      const latest = phone?.texts?.[0]?.at;
      if (!latest) continue;
      const refused = state.calls.find((each) => each.subscriber === name && each.action === "reject" && each.at < latest);
      const read = `${latest} ${refused?.id}`; // a notice may come before the verdict that it is of
      if (read === this.read.get(name)) continue;
      this.read.set(name, read);
      this._look(name);
    }
    show(this.root, state.subscribers.map((each) => card(each, this.phones.get(each.name) ?? {}, this.secret.has(each.name))),
      el("p", { "data-key": " apps" }, el("a", { href: "/apps", target: "_blank", rel: "noopener" }, t("switches.apps"))));
  }
}

function card(each, phone, secret) {
  const { settings = {} } = each;
  const number = `switches-${each.name}`;
  return el("article", { class: "subscriber", "data-key": each.name, "aria-labelledby": number },
    el("header", {}, el("h3", { id: number }, each.name), el("span", { class: "number" }, each.number),
      el("span", { class: "links" },
        el("a", { href: `/phone/${encodeURIComponent(each.name)}`, target: "_blank", rel: "noopener" }, t("switches.handset")),
        el("button", { type: "button", "data-do": "code", "data-of": each.name }, t("switches.code")))),
    el("ul", { class: "toggles" }, 
      BARRING.filter((name) => name in (settings.barring ?? {})).map((name) => toggle(each.name, name, settings.barring[name])),
      OTHERS.filter((name) => name in settings).map((name) => toggle(each.name, name, settings[name]))),
    ["allow", "block"].map((list) => numbers(each, list)),
    el("form", { class: "ways", "data-key": "ways", "data-of": each.name, "data-does": "way" },
      el("label", {}, el("span", {}, t("switches.way")), el("input", { name: "value", class: secret ? "secret" : null, autocomplete: "off", maxlength: 60, list: `ways-${each.name}` })),
      el("datalist", { id: `ways-${each.name}` }, ways(phone).map(([value, what]) => el("option", { value, "data-key": value }, what))),
      el("input", { type: "hidden", name: "to", value: phone.service ?? "10086" }),
      el("button", { type: "submit" }, t("switches.send"))),
    texts(each, phone));
}

/** The words and star codes that change settings, each with what it does. */
function ways(phone) {
  return (phone.ways ?? []).flatMap(({ setting, on, off, code }) => [
    on && [on.text, `${t(`setting.${setting}`)}: ${t("on")}`],
    off && [off.text, `${t(`setting.${setting}`)}: ${t("off")}`],
    code && [`*${code}*`, `${t(`setting.${setting}`)} (PIN)`],
  ]).filter(Boolean);
}

function toggle(of, name, on) {
  return el("li", { "data-key": name },
    el("button", {
      type: "button", role: "switch", class: "switch", "aria-checked": String(on === true), "data-do": "turn", "data-of": of, "data-setting": name,
    }, el("span", { class: "knob", "aria-hidden": "true" }), el("span", { class: "name" }, t(`setting.${name}`)),
    el("span", { class: "state", "aria-hidden": "true" }, on ? t("on") : t("off"))));
}

function numbers(each, list) {
  const held = each.settings?.[list] ?? [];
  return el("div", { class: "numbers", "data-key": list },
    el("h4", {}, t(`switches.${list}`)),
    el("ul", { class: "chips" }, held.map((number) => el("li", { class: "chip", "data-key": number }, el("span", {}, number),
      el("button", { type: "button", "data-do": "drop", "data-of": each.name, "data-list": list, "data-number": number, "aria-label": t("switches.drop", { number }) }, "×")))),
    el("form", { "data-of": each.name, "data-does": "list", "data-list": list, "data-key": "form" },
      el("label", {}, el("span", { class: "unseen" }, t("switches.add", { list: t(`switches.${list}`) })), el("input", { name: "value", autocomplete: "off", maxlength: 40, placeholder: t("switches.number") })),
      el("button", { type: "submit", "aria-label": t("switches.add", { list: t(`switches.${list}`) }) }, "+")));
}

function texts(each, phone) {
  const got = (each.phone?.texts ?? []).slice(0, 3);
  if (!got.length) return null;
  return el("ul", { class: "texts", "data-key": "texts" }, got.map((text) => {
    const allow = (phone.texts ?? []).find((other) => other.body === text.body && other.allow)?.allow;
    return el("li", { "data-key": String(text.at) }, figure("text"), el("div", {},
      el("p", { class: "from" }, t("switches.text", { caller: text.caller, at: clock(text.at) })), el("p", {}, text.body),
      allow ? el("button", { type: "button", "data-do": "allow", "data-of": each.name, "data-number": allow }, t("switches.allowIt", { number: allow })) : null));
  }));
}

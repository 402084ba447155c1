// The keyboard: single keys for what a trainer does most, and a sheet that tells of them. They can be switched off, since
// speech input types them unasked (WCAG 2.1, 2.1.4).

import { el, show } from "./dom.js";
import { keep, kept } from "./memory.js";
import { t } from "./words.js";

const KEY = "keys";

/** Which keys do what. `doers` are by name; `sheet` is a dialog. */
export class Keys {
  constructor(bindings, doers, sheet) {
    this.bindings = bindings; // [[key, name], ...]
    this.doers = doers;
    this.sheet = sheet;
    this.on = kept(KEY) !== "off";
    addEventListener("keydown", (event) => this._pressed(event));
    sheet.addEventListener("change", (event) => {
      this.on = event.target.checked;
      keep(KEY, this.on ? "on" : "off");
    });
    sheet.addEventListener("click", (event) => {
      if (event.target === sheet || event.target.closest("[data-do='close']")) sheet.close();
    });
  }

  _pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (document.querySelector("dialog[open]")) return;
    const at = event.target.closest("dialog") ? document.body : event.target; // a closed one has the focus until the next frame
    if (at.closest("input:not([type=radio]), select, textarea, pre")) return;
    if (event.key === " " && at.closest("button, summary, a, [role=tab], input")) return;
    const name = this.bindings.find(([key]) => key === event.key.toLowerCase())?.[1];
    if (!name || (!this.on && name !== "keys")) return;
    event.preventDefault();
    this.doers[name]();
  }

  /** Show the sheet of keys. */
  open() {
    const told = new Map();
    for (const [key, name] of this.bindings) told.set(name, [...(told.get(name) ?? []), key]);
    show(this.sheet,
      el("h2", { id: "keys-title" }, t("keys.title")),
      el("dl", {}, [...told].map(([name, keys]) => el("div", {},
        el("dt", {}, keys.map((key) => el("kbd", {}, key === " " ? t("keys.space") : key))), el("dd", {}, t(`keys.${name}`))))),
      el("label", { class: "check" }, el("input", { type: "checkbox", checked: this.on }), el("span", {}, t("keys.single"))),
      el("button", { type: "button", "data-do": "close", class: "first" }, t("close")));
    this.sheet.showModal();
  }
}

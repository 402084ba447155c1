// The rules in their order, with the mode of each and what they found: enforced, and in shadow.

import { post } from "./api.js";
import { el, onDo, show } from "./dom.js";
import { count, ruleTitle, t } from "./words.js";

const MODES = ["enforce", "shadow", "off"];

/** Draws into `root`; `failed(answer)` hears of what was not taken. */
export class Rules {
  constructor(root, { failed }) {
    this.root = root;
    onDo(root, {
      mode: async (button) => {
        const answer = await post("/api/rule", { rule: button.dataset.rule, mode: button.dataset.mode });
        if (!answer.ok) failed(answer);
      },
    });
  }

  draw(state, decided) {
    show(this.root, el("table", {},
      el("caption", {}, t("rules.about")),
      el("thead", {}, el("tr", {}, ["rule", "mode", "enforced", "shadowed"].map((name) =>
        el("th", { scope: "col", class: name }, t(`rules.${name}`))))),
      el("tbody", {}, state.rules.map((rule) => row(rule, decided === rule.name)))));
  }
}

function row(rule, decided) {
  return el("tr", { "data-key": rule.name, class: `${rule.mode} ${decided ? "decided" : ""}` },
    el("th", { scope: "row" }, el("span", {}, ruleTitle(rule.name)), el("code", {}, rule.name)),
    el("td", { class: "mode" }, rule.settable === false
      ? el("span", { class: "dim" }, t("mode.always"))
      : el("div", { class: "segments", role: "group", "aria-label": ruleTitle(rule.name) }, MODES.map((mode) =>
        el("button", { type: "button", "data-key": mode, "data-do": "mode", "data-rule": rule.name, "data-mode": mode, "aria-pressed": String(rule.mode === mode) }, t(`mode.${mode}`))))),
    el("td", { class: "enforced" }, count(rule.enforced)),
    el("td", { class: "shadowed" }, count(rule.shadowed)));
}

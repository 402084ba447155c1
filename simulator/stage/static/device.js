// The phones on the picture: the one that the call is for, large enough to read, and the others beside it.

import { el } from "./dom.js";
import { figure } from "./figures.js";
import { gloss } from "./gloss.js";
import { isOrder } from "./scene.js";
import { t } from "./words.js";

const SHOWN = 6; // of the others
const FIGURES = { silent: "silent", ringing: "rings", talking: "talking", calling: "talking" };

/** The one that the picture is about: the callee, who gives an order, or who is rung next. */
export function subject(scene, state, chosen) {
  const name = scene.call ? scene.call.subscriber : chosen;
  const orders = scene.verdict && isOrder(scene.verdict) ? scene.call.from : null;
  return state.subscribers.find((each) => each.name === name || each.number === orders) ?? null;
}

/** What the phone does: idle, ringing, talking, or silent where a call was kept from it. */
export function phoneState(scene) {
  if (scene.phone) return scene.phone.state === "idle" ? "idle" : scene.phone.state;
  if (scene.verdict && !isOrder(scene.verdict) && scene.reached !== "phone" && scene.texts.length === 0) {
    if (scene.gate === "refused" || (scene.gate === "aside" && (scene.verdict.action !== "challenge" || scene.ended))) return "silent";
  }
  return "idle";
}

/** The large phone's content. */
export function device(scene, state, chosen) {
  const who = subject(scene, state, chosen);
  const does = phoneState(scene);
  const shown = scene.phone ?? {};
  const text = scene.texts.at(-1);
  const rung = scene.phone !== null;
  const caller = text?.caller ?? shown.caller;
  const name = shown.label ? (shown.display_name ?? "").replace(shown.label, "").trim() : shown.display_name; // the proxy shows its label there
  return [
    el("div", { class: "screen", "data-state": text && does === "idle" ? "texted" : does },
      el("p", { class: "owner" }, who?.name ?? (scene.call?.subscriber || scene.call?.to) ?? t("picture.phone")),
      el("div", { class: "does" }, figure(text ? "text" : FIGURES[does] ?? (rung ? "talking" : "idle")),
        el("p", {}, text ? t("phone.texted") : does === "idle" && rung ? t("phone.over") : t(`phone.${does}`))),
      does === "silent" || (!rung && !text) ? null : el("p", { class: name ? "who" : "who plain" }, name || caller || t("call.nobody")),
      name && caller ? el("p", { class: "number" }, caller) : null,
      shown.label ? el("p", { class: "label" }, figure("warned"), el("span", {}, shown.label, gloss(shown.label) && el("small", {}, gloss(shown.label)))) : null,
      text ? el("p", { class: "bubble" }, text.body) : null),
  ];
}

/** The other phones, small, each with what it does. */
export function others(scene, state, chosen) {
  const large = subject(scene, state, chosen)?.name;
  const rest = state.subscribers.filter((each) => each.name !== large);
  const more = rest.length - SHOWN;
  return [
    ...rest.slice(0, SHOWN).map((each) => {
      const does = each.phone?.state ?? "idle";
      return el("li", { "data-key": each.name, class: does },
        figure(FIGURES[does] ?? "idle"), el("span", {}, each.name),
        does === "idle" ? null : el("span", { class: "unseen" }, t(`phone.${does}`)));
    }),
    more > 0 ? el("li", { "data-key": " more" }, t("picture.more", { count: more })) : null,
  ];
}

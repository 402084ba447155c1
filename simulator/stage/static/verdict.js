// The verdict card: what was decided about the call on the stage, by which rule, on what evidence, and what would have
// happened otherwise, in plain words.

import { el, show } from "./dom.js";
import { badge, figure } from "./figures.js";
import { gloss } from "./gloss.js";
import { figureOf, isOrder, meaning } from "./scene.js";
import { known, ruleTitle, t, told } from "./words.js";

const LONGEST = 60; // characters of a name

/** Draw the card of a scene into `root`. */
export function drawVerdict(root, scene) {
  const { call, verdict } = scene;
  if (call === null) {
    show(root, el("div", { class: "waiting" }, el("h2", {}, t("verdict.title")), el("p", {}, t("verdict.none"))));
    root.dataset.meaning = "";
    return;
  }
  const name = verdict ? meaning(verdict) : "";
  root.dataset.meaning = name;
  show(root,
    el("header", {},
      verdict ? figure(figureOf(verdict)) : null,
      el("h2", {}, verdict ? t(`verdict.${name}.long`) : t("verdict.pending")),
      truth(call, scene)),
    el("p", { class: "line" }, line(call)),
    verdict ? told(verdict.words) ? el("p", { class: "plain" }, told(verdict.words)) : null : null,
    verdict ? facts(verdict, scene) : null,
    heard(scene),
    verdict ? trace(verdict) : null);
}

function line(call) {
  const shown = call.display_name ? t("call.shown", { name: clipped(call.display_name), number: call.from }) : call.from || t("call.nobody");
  const key = call.method === "MESSAGE" ? "call.text" : "call.call";
  return t(key, { caller: shown, callee: call.subscriber || call.to, trunk: known(`trunk.${call.trunk}`, call.trunk) });
}

/** A name as long as a phone shows it: callers choose it. */
function clipped(name) {
  const letters = [...name];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST).join("")}…` : name;
}

/** What the call truly was, and whether that was found. */
function truth(call, scene) {
  if (!["scam", "legit", "attack"].includes(call.truth)) return null;
  const right = judgedRightly(call, scene);
  return el("p", { class: "truth" }, badge(call.truth, t(`truth.${call.truth}`)),
    right === null ? null : el("span", { class: right ? "right" : "wrong" }, t(`judged.${call.truth === "legit" ? "legit" : "scam"}.${right ? "right" : "wrong"}`)));
}

/** True where the call was let through or kept out as it deserved; null while that is open. */
export function judgedRightly(call, scene) {
  if (!scene.verdict) return null;
  if (isOrder(scene.verdict)) return call.truth === "legit";
  const kept = ["reject", "divert", "challenge"].includes(scene.verdict.action);
  if (scene.verdict.action === "challenge" && !scene.ended) return null;
  const reached = scene.phone !== null || scene.texts.length > 0;
  return (kept && !reached) === (call.truth !== "legit");
}

function facts(verdict, scene) {
  const row = (name, ...content) => el("div", {}, el("dt", {}, t(`verdict.${name}`)), el("dd", {}, ...content));
  return el("dl", {},
    told(verdict.evidence) ? row("why", told(verdict.evidence)) : null,
    row("rule", told(verdict.title) || ruleTitle(verdict.rule), " ", el("code", {}, verdict.rule)),
    told(verdict.otherwise) ? row("otherwise", told(verdict.otherwise)) : null,
    gloss(verdict.label) ? row("label", verdict.label, ` (${gloss(verdict.label)})`) : null,
    scene.ended ? row("outcome", outcome(scene)) : null);
}

function outcome({ ended, verdict, call }) {
  const sort = isOrder(verdict) ? "ordered" : call.method === "MESSAGE" ? "text" : "";
  return known(`outcome.${ended.outcome}.${sort}`, t(`outcome.${ended.outcome}`));
}

function heard(scene) {
  if (!scene.heard.length) return null;
  return el("p", { class: "heard" }, scene.heard.map((each) =>
    el("button", { type: "button", "data-key": each.who, "data-do": "hear", "data-url": each.url }, "▶ ", known(`heard.${each.who}`, each.who))));
}

function trace(verdict) {
  const rows = verdict.trace.map((each) => (Array.isArray(each) ? each : [each.rule, each.mode, each.outcome, each.detail]));
  if (!rows.length) return null;
  return el("details", { class: "trace", "data-key": "trace" },
    el("summary", {}, t("verdict.trace", { count: rows.length })),
    el("ol", {}, rows.map(([rule, mode, outcome, detail]) =>
      el("li", { class: mode },
        el("b", {}, ruleTitle(rule)),
        mode === "shadow" ? badge("shadow", t("mode.shadow")) : null,
        el("span", { class: "result" }, known(`result.${outcome}`, outcome)),
        detail ? el("span", { class: "detail" }, detail) : null))));
}

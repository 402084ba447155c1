// The score: what was kept out and let through rightly and wrongly, in this session so far, with intervals.

import { el, onDo, show, svg } from "./dom.js";
import { figure } from "./figures.js";
import { post } from "./api.js";
import { count, known, percent, t } from "./words.js";

/** Draws into `root`; `saved(answer)` hears what became of saving the session. */
export class Score {
  constructor(root, { saved }) {
    this.root = root;
    onDo(root, { save: async () => saved(await post("/api/save", {})) });
  }

  draw(state) {
    const score = state.score ?? {};
    show(this.root,
      el("div", { class: "confusion", "data-key": "confusion", role: "table", "aria-label": t("score.confusion") },
        el("div", { role: "row" }, el("span", { role: "columnheader" }, ""), ["blocked", "passed"].map((name) => el("span", { role: "columnheader" }, t(`score.${name}`)))),
        ["scam", "legit"].map((truth) => el("div", { role: "row" },
          el("span", { role: "rowheader" }, figure(truth), t(`truth.${truth}`)),
          ["blocked", "passed"].map((name) => cell(score, truth, name))))),
      el("div", { class: "rates", "data-key": "rates" }, rate("recall", score.scam_recall), rate("false_blocks", score.false_block_rate), delay(score.delay)),
      families(score.families),
      el("p", { class: "save", "data-key": "save" }, el("button", { type: "button", "data-do": "save" }, t("score.save")), el("span", { class: "dim" }, t("score.about"))));
  }
}

function cell(score, truth, name) {
  const right = (truth === "scam") === (name === "blocked");
  return el("span", { role: "cell", class: right ? "right" : "wrong" },
    el("b", {}, count(score[`${truth}_${name}`])),
    el("span", {}, t(`score.${truth}_${name}`)));
}

function rate(name, found) {
  if (!found) return el("div", { class: "rate", "data-key": name }, el("h4", {}, t(`score.${name}`)), el("p", { class: "dim" }, t("score.unknown")));
  const [x, low, high] = [found.value, found.lower95, found.upper95].map((each) => each * 200);
  return el("div", { class: "rate", "data-key": name },
    el("h4", {}, t(`score.${name}`)),
    el("p", { class: "big" }, percent(found.value)),
    svg("svg", { viewBox: "-6 0 212 20", class: `interval ${name}`, "aria-hidden": "true" },
      svg("path", { d: "M0 10H200", class: "axis" }), svg("rect", { x: low, y: 4, width: Math.max(1, high - low), height: 12, class: "span" }), svg("circle", { cx: x, cy: 10, r: 5.5, class: "point" })),
    el("p", { class: "dim" }, t("score.interval", { low: percent(found.lower95), high: percent(found.upper95), hits: count(found.hits), of: count(found.of) })));
}

function delay(found) {
  if (!found) return null;
  const ms = (seconds) => (seconds * 1000).toFixed(1);
  return el("div", { class: "rate", "data-key": "delay" }, el("h4", {}, t("score.delay")),
    el("p", { class: "big" }, t("score.ms", { ms: ms(found.p50) })),
    el("p", { class: "dim" }, t("score.delays", { p95: ms(found.p95), p99: ms(found.p99), count: count(found.count) })));
}

function families(found) {
  const all = Object.entries(byFamily(found ?? {}));
  if (!all.length) return null;
  return el("table", { class: "by-family", "data-key": "families" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("score.family")), ["blocked", "passed"].map((name) => el("th", { scope: "col" }, t(`score.${name}`))))),
    el("tbody", {}, all.map(([family, each]) => el("tr", { "data-key": family },
      el("th", { scope: "row" }, figure(each.legit_blocked + each.legit_passed ? "legit" : "scam"), known(`family.${family}`, family)),
      el("td", {}, count(each.scam_blocked + each.legit_blocked)), el("td", {}, count(each.scam_passed + each.legit_passed))))));
}

/** The counts by family; calls of the trainer's own choice have none but their names, and are one. */
function byFamily(found) {
  const all = Object.create(null); // names are of any kind
  for (const [family, each] of Object.entries(found)) {
    const name = /^call-\d+$/.test(family) ? "own" : family;
    const sums = (all[name] ??= {});
    for (const [key, value] of Object.entries(each)) if (typeof value === "number") sums[key] = (sums[key] ?? 0) + value;
  }
  return all;
}

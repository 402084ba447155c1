// The ladder: the messages of the call on the stage as they begin, with the verdict in its place.

import { el, onDo, show } from "./dom.js";
import { figure } from "./figures.js";
import { figureOf, meaning } from "./scene.js";
import { ruleTitle, t, told } from "./words.js";

const LINES = ["caller", "proxy", "softswitch", "phone"];

/** Draws into `root`, a list; a click on a message shows it as it was sent. */
export class Ladder {
  constructor(root, head) {
    this.root = root;
    this.head = head;
    this.opened = new Set();
    this.count = 0;
    onDo(root, {
      message: (button) => {
        const key = button.dataset.step;
        if (!this.opened.delete(key)) this.opened.add(key);
        this.draw(this.scene);
      },
    });
  }

  draw(scene) {
    if (scene.call?.id !== this.scene?.call?.id) this.opened.clear();
    this.scene = scene;
    show(this.head, LINES.map((line) => el("span", {}, t(`lifeline.${line}`))));
    const begins = scene.steps[0]?.at;
    show(this.root, scene.steps.length
      ? scene.steps.map((step, place) => (step.event === "judged" ? judgement(step) : this._message(step, place, begins)))
      : el("li", { class: "empty" }, t("ladder.empty")),
    scene.ended && !scene.leg ? el("li", { class: "empty", "data-key": "unrecorded" }, t("ladder.unrecorded")) : null);
    if (scene.steps.length > this.count) this.root.scrollTop = this.root.scrollHeight;
    this.count = scene.steps.length;
  }

  _message(step, place, begins) {
    const [from, to] = [lineOf(step.from), lineOf(step.to)];
    const way = to >= from ? "right" : "left";
    const open = this.opened.has(String(place));
    const span = `from-${Math.min(from, to)} to-${Math.max(from, to)}`;
    return el("li", { "data-key": String(place), class: `message ${step.kind} ${step.again ? "again" : ""}` },
      el("button", { type: "button", "data-do": "message", "data-step": place, "aria-expanded": String(open) },
        el("span", { class: "at" }, t("ladder.ms", { ms: ((step.at - begins) * 1000).toFixed(1) })),
        el("span", { class: "unseen" }, ` ${t(`lifeline.${LINES[from]}`)} → ${t(`lifeline.${LINES[to]}`)} `),
        el("span", { class: `arrow ${way} ${span}` }, el("span", { class: "name" }, step.again ? t("ladder.again", { label: step.label }) : step.label))),
      open ? el("pre", { tabindex: "0" }, step.text.replaceAll("\r\n", "\n")) : null);
  }
}

function judgement(step) {
  const name = meaning(step);
  return el("li", { "data-key": "verdict", class: `judgement ${name}` },
    figure(figureOf(step)), el("b", {}, t(`verdict.${name}`)), el("span", {}, told(step.title) || ruleTitle(step.rule)));
}

const lineOf = (name) => Math.max(0, LINES.indexOf(name === "trunk" ? "caller" : name));

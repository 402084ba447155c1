// The lesson: which there are, and the one under way, step by step: what to say, the thing to do, and what was seen of it.
// What was seen is told once the picture has shown it.

import { post } from "./api.js";
import { el, onDo, show } from "./dom.js";
import { figure } from "./figures.js";
import { languageNow, t, told } from "./words.js";

const POINTED = "pointed";
const PANELS = { setting: "switches", phone: "switches", allow: "switches", rule: "rules" }; // where a control is

/** Draws into `root`; `failed(answer)` hears of what was not taken, `placed(id)` of a call that the lesson placed;
 * the `programme` knows how far the picture has come, and `panel(name)` brings a panel of the desk into view. */
export class Lesson {
  constructor(root, { failed, placed, programme, panel }) {
    this.root = root;
    this.programme = programme;
    this.panel = panel;
    this.at = ""; // the step whose panel was brought into view
    this.failed = failed;
    this.placed = placed;
    this.focus = false; // on the button that goes on, whenever it can be pressed, until somebody moves it
    document.addEventListener("focusin", ({ target }) => {
      if (target.dataset?.key !== "go") this.focus = false;
    });
    this.settled = { call: "", count: 0 }; // the call of a step, and its events until all was seen of it
    const ask = (what) => () => this.ask({ do: what });
    onDo(root, {
      start: (button) => {
        window.scrollTo({ top: 0 }); // to the picture
        this.ask({ id: button.dataset.id, do: "start" });
      },
      step: () => this.go(),
      back: ask("back"),
      again: ask("perform"),
      leave: ask("leave"),
    });
  }

  async ask(body) {
    this.focus = true;
    const answer = await post("/api/lesson", body);
    if (!answer.ok) this.failed(answer);
    else if (answer.call) this.placed(answer.call);
  }

  /** Do what the step asks for, or go to the next one: once, though it may be pressed again before that is seen. */
  go() {
    const { lesson } = this.state ?? {};
    if (!lesson || this.watching) return;
    this.ask({ do: "step", at: lesson.step, result: lesson.finished ? "finished" : lesson.steps[lesson.step].result });
  }

  draw(state) {
    this.state = state;
    const { lesson, lessons } = state;
    const step = lesson && !lesson.finished ? lesson.steps[lesson.step] : null;
    this.watching = step !== null && this._watches(step);
    if (lesson) show(this.root, head(lesson), lesson.finished ? over(lesson) : steps(lesson, this.watching));
    else if (lessons.length) show(this.root, el("p", { class: "dim" }, t("lesson.choose")), el("ul", { class: "lessons" }, lessons.map(offered)), handout());
    else show(this.root, el("p", { class: "dim" }, t("lesson.none")));
    this._point(step);
    if (this.focus && lesson) this._focus();
  }

  /** The lesson as it is now, as soon as that is known: a step is settled by the latest event of its call. */
  take(lesson) {
    const step = lesson && !lesson.finished ? lesson.steps[lesson.step] : null;
    const at = step ? `${lesson.id} ${lesson.step}` : "";
    if (at !== this.at && PANELS[step?.control?.kind]) this.panel(PANELS[step.control.kind]);
    this.at = at;
    if (!step?.call || step.result === "runs" || step.call === this.settled.call) return;
    this.settled = { call: step.call, count: this.programme.known(step.call) };
  }

  /** True while a step is not yet done, or the picture has not yet come as far. */
  _watches({ result, call }) {
    return result === "runs" || (call !== "" && call === this.settled.call && !this.programme.shown(call, this.settled.count));
  }

  /** Have the focus on the button that goes on, unless it was taken elsewhere meanwhile. */
  _focus() {
    const button = this.root.querySelector("[data-key=go]");
    const active = document.activeElement;
    if (!button || button.disabled) return;
    if (active === document.body || this.root.contains(active)) button.focus({ preventScroll: true });
  }

  /** Mark the control of the stage by which the step can be done as well. */
  _point(step) {
    for (const each of document.querySelectorAll(`.${POINTED}`)) each.classList.remove(POINTED);
    if (step?.result !== "waits" || !step.control) return;
    for (const each of document.querySelectorAll(control(step.control))) each.classList.add(POINTED);
  }
}

function control({ kind, subscriber, setting, rule, mode }) {
  const of = `[data-of="${CSS.escape(subscriber ?? "")}"]`;
  if (kind === "setting") return `[data-do=turn]${of}[data-setting="${CSS.escape(setting)}"]`;
  if (kind === "rule") return `[data-do=mode][data-rule="${CSS.escape(rule)}"][data-mode="${CSS.escape(mode)}"]`;
  if (kind === "allow") return `[data-do=allow]${of}`;
  if (kind === "phone") return `.ways${of}`;
  return ":not(*)";
}

function offered(each) {
  return el("li", { "data-key": each.id }, el("button", { type: "button", "data-do": "start", "data-id": each.id },
    el("b", {}, told(each.title)), el("span", {}, told(each.about)),
    el("span", { class: "dim" }, t("lesson.lasts", { minutes: each.minutes, steps: each.steps }))));
}

function handout() {
  return el("p", { class: "handout", "data-key": "handout" },
    el("a", { href: `/handout?language=${languageNow()}`, target: "_blank", rel: "noopener" }, t("lesson.handout")));
}

function head(lesson) {
  return el("header", { "data-key": "head" },
    el("div", {}, el("h3", {}, told(lesson.title)),
      el("p", { class: "dim" }, lesson.finished ? t("lesson.finished") : t("lesson.step", { at: lesson.step + 1, of: lesson.steps.length }))),
    el("button", { type: "button", "data-do": "leave" }, t("lesson.leave")));
}

function steps(lesson, watching) {
  const step = lesson.steps[lesson.step];
  return [
    el("ol", { class: "strip", "data-key": `strip ${lesson.id}` }, lesson.steps.map((each, place) => {
      const now = place === lesson.step;
      return el("li", { "data-key": String(place), class: now ? "now" : each.state, "aria-current": now ? "step" : null, title: told(each.title) },
        now ? null : sign(each.state), el("span", { class: now ? null : sign(each.state) ? "unseen" : null }, String(place + 1)));
    })),
    buttons(lesson, step, watching),
    el("div", { class: "step", "data-key": `step ${lesson.id}` }, el("h4", {}, told(step.title)), current(step, watching)),
  ];
}

/** They stay where they are from step to step, above what differs in length. */
function buttons(lesson, step, watching) {
  const was = step.result === "done" || step.result === "failed";
  return el("p", { class: "buttons", "data-key": "buttons" },
    el("button", { type: "button", class: "first", "data-do": "step", "data-key": "go", disabled: watching }, watching ? t("lesson.watch") : told(step.button)),
    el("button", { type: "button", "data-do": "back", "data-key": "back", disabled: lesson.step === 0 }, t("lesson.back")),
    was && !watching ? el("button", { type: "button", "data-do": "again", "data-key": "again" }, t("lesson.again")) : null);
}

function current(step, watching) {
  const done = !watching && step.result === "done";
  const failed = !watching && step.result === "failed";
  const strayed = step.result === "waits" && step.found.length > 0;
  return [
    el("p", { class: "say", "data-key": "say" }, told(step.say)),
    step.do ? el("p", { class: "do", "data-key": "do" }, told(step.do), handset(step.control)) : null,
    el("div", { role: "status", class: "seen", "data-key": "seen" },
      step.check && step.result !== "said" ? el("p", { class: `check ${done ? "done" : failed ? "failed" : ""}` },
        done ? figure("legit") : failed ? figure("warned") : null, el("span", {}, t(done ? "lesson.seen" : "lesson.expect"), told(step.check))) : null,
      failed || strayed ? step.found.map((each) => el("p", { class: "found" }, told(each))) : null,
      done && step.then ? el("p", { class: "say then" }, told(step.then)) : null),
  ];
}

/** A link to the phone on which the step can be done as well. */
function handset(control) {
  if (!["phone", "allow", "apps"].includes(control?.kind)) return null;
  return [" ", el("a", { href: `/phone/${encodeURIComponent(control.subscriber)}`, target: "_blank", rel: "noopener" }, t("switches.handset"))];
}

function over(lesson) {
  return el("div", { class: "over", "data-key": `over ${lesson.id}` },
    el("p", { class: "buttons" },
      el("button", { type: "button", class: "first", "data-do": "step", "data-key": "go" }, t("lesson.finish")),
      el("button", { type: "button", "data-do": "back" }, t("lesson.back"))),
    el("ol", {}, lesson.steps.map((step, place) =>
      el("li", { "data-key": String(place), class: step.state }, el("h4", {}, sign(step.state), told(step.title))))),
    el("p", { class: "say" }, told(lesson.remember)),
    handout());
}

/** The figure of a step that was done, failed or passed over, with its word for those who cannot see it. */
function sign(state) {
  const name = { done: "legit", failed: "warned", skipped: "idle" }[state];
  return name ? [figure(name), el("span", { class: "unseen" }, t(`lesson.${state}`), " ")] : null;
}

// The lesson: which there are, and the one under way, step by step, with what to say and its checks.

import { post } from "./api.js";
import { el, onDo, show } from "./dom.js";
import { figure } from "./figures.js";
import { t, told } from "./words.js";

/** Draws into `root`; `failed(answer)` hears of what was not taken. */
export class Lesson {
  constructor(root, { failed }) {
    this.root = root;
    const ask = async (body) => {
      const answer = await post("/api/lesson", body);
      if (!answer.ok) failed(answer);
    };
    onDo(root, {
      start: (button) => ask({ id: button.dataset.id, do: "start" }),
      step: () => ask({ id: this.state.lesson.id, do: "step" }),
      leave: () => ask({ id: this.state.lesson.id, do: "leave" }),
    });
  }

  draw(state) {
    this.state = state;
    const { lesson, lessons } = state;
    if (lesson) show(this.root, under(lesson));
    else if (lessons.length) show(this.root, el("p", { class: "dim" }, t("lesson.choose")), el("ul", { class: "lessons" }, lessons.map(offered)));
    else show(this.root, el("p", { class: "dim" }, t("lesson.none")));
  }
}

function offered(each) {
  return el("li", { "data-key": each.id }, el("button", { type: "button", "data-do": "start", "data-id": each.id },
    el("b", {}, told(each.title)), each.about ? el("span", {}, told(each.about)) : null));
}

function under(lesson) {
  const steps = lesson.steps ?? [];
  return [
    el("header", { "data-key": "head" }, el("h3", {}, told(lesson.title)),
      el("button", { type: "button", "data-do": "leave" }, t("lesson.leave"))),
    el("ol", { class: "steps", "data-key": "steps" }, steps.map((step, place) => {
      const now = place === lesson.step;
      const state = step.state ?? (place < lesson.step ? "done" : now ? "now" : "next");
      return el("li", { "data-key": String(place), class: state, "aria-current": now ? "step" : null },
        el("h4", {}, state === "done" ? figure("legit") : state === "failed" ? figure("scam") : null, told(step.title)),
        now && step.say ? el("p", { class: "say" }, told(step.say)) : null,
        now && step.do ? el("p", { class: "do" }, told(step.do)) : null,
        step.check && (now || state !== "next") ? el("p", { class: "check" }, told(step.check)) : null,
        now ? el("button", { type: "button", class: "first", "data-do": "step", "data-key": "go" }, told(step.button) || t("lesson.next")) : null);
    })),
  ];
}

// The bar under the picture: slow motion, step by step or real time, pause, the next step, and the last call again.

import { el, onDo, show } from "./dom.js";
import { PACES } from "./pace.js";
import { t } from "./words.js";

/** Draws into `root`; `doers` are those of the keyboard. */
export class PaceBar {
  constructor(root, doers) {
    this.root = root;
    onDo(root, {
      mode: (button) => doers[button.dataset.mode](),
      pause: () => doers.pause(),
      next: () => doers.next(),
      replay: () => doers.replay(),
    });
  }

  draw({ pace, passed, call, replayed }) {
    const stands = pace.paused && pace.mode !== "step";
    show(this.root,
      el("div", { class: "segments", role: "group", "aria-label": t("pace.title"), "data-key": "modes" }, PACES.map((mode) =>
        el("button", { type: "button", "data-do": "mode", "data-mode": mode, "data-key": mode, "aria-pressed": String(pace.mode === mode) }, t(`pace.${mode}`)))),
      el("button", { type: "button", "data-do": "pause", "data-key": "pause", "aria-pressed": String(stands), disabled: pace.mode === "step" },
        el("span", { class: "sign", "aria-hidden": "true" }, stands ? "▶" : "❚❚"), stands ? t("pace.go") : t("pace.pause")),
      el("button", { type: "button", "data-do": "next", "data-key": "next", class: pace.waiting && (stands || pace.mode === "step") ? "first" : "" },
        el("span", { class: "sign", "aria-hidden": "true" }, "▶❚"), t("pace.next")),
      el("button", { type: "button", "data-do": "replay", "data-key": "replay", disabled: call === null },
        el("span", { class: "sign", "aria-hidden": "true" }, "↺"), t("pace.replay")),
      el("p", { class: "note", "data-key": "note" },
        pace.waiting && (stands || pace.mode === "step") ? t("pace.waiting", { count: pace.waiting })
          : replayed ? t("pace.replayed") : passed ? t("pace.passed", { count: passed }) : ""));
  }
}

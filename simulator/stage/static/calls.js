// The calls of this session and of finished runs, each to be played again.

import { get } from "./api.js";
import { el, onDo, show } from "./dom.js";
import { figure } from "./figures.js";
import { meaning } from "./scene.js";
import { clock, known, ruleTitle, t } from "./words.js";

const LISTED = 60;

/** The address of a run's report. */
export const reportOf = (run) => `/api/runs/${encodeURIComponent(run)}/report`;

/** Draws into `root`. `replay(call, events, source)` puts one on the stage, `failed(answer)` hears where it is not there. */
export class Calls {
  constructor(root, { replay, failed }) {
    this.root = root;
    this.handlers = { replay, failed };
    this.source = ""; // "" is this session, else a run
    this.query = "";
    this.runs = [];
    this.found = [];
    this.wanted = 0; // calls that were asked for
    onDo(root, { replay: (button) => this.play(button.dataset.id, this.source) });
    root.addEventListener("change", (event) => {
      if (event.target.name === "source") this._use(event.target.value);
    });
    root.addEventListener("input", (event) => {
      if (event.target.name !== "query") return;
      this.query = event.target.value;
      this._search();
    });
    root.addEventListener("focusin", (event) => {
      if (event.target.name === "source") this._look();
    });
    root.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Learn which runs there are. */
  async _look() {
    const runs = await get("/api/runs");
    this.runs = runs?.runs ?? [];
    this.draw(this.state, this.on);
  }

  async _use(source) {
    this.source = source;
    this.found = [];
    await this._search();
  }

  async _search() {
    const { source, query } = this;
    if (source) {
      const got = await get(`/api/runs/${encodeURIComponent(source)}/calls?q=${encodeURIComponent(query)}`);
      if (source !== this.source || query !== this.query) return;
      this.found = got?.calls ?? [];
    }
    this.draw(this.state, this.on);
  }

  /** Put a call of this session, or of a run, on the stage from its beginning. */
  async play(id, source = "") {
    const path = source ? `/api/runs/${encodeURIComponent(source)}/calls/${encodeURIComponent(id)}` : `/api/calls/${encodeURIComponent(id)}`;
    this.wanted += 1;
    const { wanted } = this;
    const got = await get(path);
    if (wanted !== this.wanted) return; // another one was asked for since
    if (got) this.handlers.replay(got.call, withPlaced(got.call, got.events), source);
    else this.handlers.failed({ status: 404 });
  }

  /** Play none of those that were asked for, and are not there yet. */
  forget() {
    this.wanted += 1;
  }

  draw(state, on) {
    this.state = state;
    this.on = on;
    if (!state) return;
    const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (each) => words.every((word) => JSON.stringify(each).toLowerCase().includes(word));
    const listed = this.source ? this.found : state.calls.filter(matches);
    show(this.root,
      el("form", { class: "row", "data-key": "choice" },
        el("label", {}, el("span", {}, t("calls.from")), el("select", { name: "source", value: this.source },
          el("option", { value: "" }, t("calls.session")), this.runs.map((run) => el("option", { value: run.id }, run.id)))),
        el("label", {}, el("span", {}, t("calls.search")), el("input", { type: "search", name: "query", autocomplete: "off" })),
        this.runs.find((run) => run.id === this.source)?.report ? el("a", { "data-key": "report", href: reportOf(this.source), target: "_blank", rel: "noopener" }, t("calls.report")) : null),
      listed.length === 0 ? el("p", { class: "dim", "data-key": "none" }, t("calls.none"))
        : el("ol", { class: "calls", "data-key": "list" }, listed.slice(0, LISTED).map((each) => row(each, on))));
  }
}

/** The events with one of the placing before them, where a finished run has none. */
function withPlaced(call, events) {
  if (events[0]?.event === "placed") return events;
  return [{ event: "placed", at: events[0]?.at ?? 0, call }, ...events.filter((each) => each.event !== "placed")];
}

function row(each, on) {
  const name = each.action ? meaning(each) : null;
  return el("li", { "data-key": each.id, class: each.id === on ? "on" : "" },
    el("button", { type: "button", "data-do": "replay", "data-id": each.id },
      el("span", { class: "time" }, each.at ? clock(each.at) : ""),
      figure(["scam", "legit", "attack"].includes(each.truth) ? each.truth : "unknown"), el("span", { class: "unseen" }, known(`truth.${each.truth}`, "")),
      el("span", { class: "who" }, each.display_name ? `${each.display_name} ` : "", each.from || each.caller || t("call.nobody"), " → ", each.subscriber || each.to || each.callee || ""),
      name ? figure(name) : null, el("span", { class: "result" }, name ? t(`verdict.${name}`) : t("calls.going")),
      el("span", { class: "rule" }, each.rule ? ruleTitle(each.rule) : "")));
}

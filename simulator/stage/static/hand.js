// The hand: the trainer places a call or a text, of a family or of their own choice, or lets traffic run by itself.

import { post } from "./api.js";
import { el, onDo, show } from "./dom.js";
import { figure } from "./figures.js";
import { count, known, t, told } from "./words.js";

const RATES = [1, 5, 10, 20, 50]; // calls/s

/** Draws into `root`. `placed(id)` hears of each call, `failed(answer)` of what was not taken, `choose(name)` of who is rung. */
export class Hand {
  constructor(root, { placed, failed, choose }) {
    this.root = root;
    this.handlers = { placed, failed, choose };
    this.chosen = null;
    this.last = null; // what was placed last: [path, body]
    this.rate = RATES[2];
    this.scenario = "";
    this.method = "INVITE";
    onDo(root, {
      family: (button) => this.place("/api/family", { id: button.dataset.id, to: this.chosen }),
      run: () => this._traffic({ scenario: this.scenario || null, rate: this.rate }),
      stop: () => this._traffic({ stop: true }),
      again: () => this.again(),
    });
    root.addEventListener("change", (event) => {
      const { name, value } = event.target;
      if (name === "to") this.choose(value);
      if (name === "rate") this.rate = Number(value);
      if (name === "scenario") this.scenario = value;
      if (name === "method") this.method = value;
      this.draw(this.state);
    });
    root.addEventListener("submit", (event) => {
      event.preventDefault();
      this._free(new FormData(event.target));
    });
  }

  choose(name) {
    this.chosen = name;
    this.handlers.choose(name);
  }

  /** Place what was placed last once more. */
  again() {
    if (this.last) this.place(...this.last);
  }

  async place(path, body) {
    this.last = [path, body];
    const answer = await post(path, body);
    if (answer.ok) this.handlers.placed(answer.id);
    else this.handlers.failed(answer);
    this.draw(this.state);
  }

  _free(form) {
    const body = Object.fromEntries([...form.entries()].filter(([name, value]) => value !== "" && !["to", "rate", "scenario"].includes(name)));
    if (this.method !== "MESSAGE") delete body.body;
    if (!body.from) this.root.querySelector(".own input[name=from]").focus();
    this.place("/api/call", { ...body, to: this.chosen });
  }

  async _traffic(body) {
    const answer = await post("/api/traffic", body);
    if (!answer.ok) this.handlers.failed(answer);
  }

  draw(state) {
    this.state = state;
    if (!state.subscribers.some((each) => each.name === this.chosen)) this.choose(state.subscribers[0]?.name ?? null);
    show(this.root,
      this._whom(state),
      el("div", { class: "families", role: "group", "aria-label": t("hand.families"), "data-key": "families" }, state.families.map(family)),
      el("p", { class: "again", "data-key": "again" }, el("button", { type: "button", "data-do": "again", disabled: this.last === null }, t("hand.again"))),
      this._own(state),
      this._running(state));
  }

  _whom(state) {
    return el("fieldset", { class: "whom", "data-key": "whom" }, el("legend", {}, t("hand.to")),
      el("div", { class: "chips" }, state.subscribers.map((each) =>
        el("label", { "data-key": each.name, class: "chip" },
          el("input", { type: "radio", name: "to", value: each.name, checked: each.name === this.chosen }),
          el("span", {}, each.name)))));
  }

  _own(state) {
    const text = this.method === "MESSAGE";
    const field = (name, label, more = {}) => el("label", { "data-key": name }, el("span", {}, t(label)),
      el("input", { name, autocomplete: "off", spellcheck: "false", ...more }));
    return el("details", { class: "own", "data-key": "own" }, el("summary", {}, t("hand.own")),
      el("form", { "data-key": "form" },
        field("from", "hand.from", { placeholder: "+12025550143", maxlength: 60 }),
        field("display_name", "hand.name", { maxlength: 100 }),
        el("label", {}, el("span", {}, t("hand.trunk")), el("select", { name: "trunk" },
          state.trunks.filter((each) => each.kind !== "access").map((each) => el("option", { value: each.name }, known(`trunk.${each.name}`, each.name))))),
        el("label", {}, el("span", {}, t("hand.truth")), el("select", { name: "truth" },
          ["scam", "legit"].map((each) => el("option", { value: each }, t(`truth.${each}`))))),
        el("label", {}, el("span", {}, t("hand.method")), el("select", { name: "method", value: this.method },
          ["INVITE", "MESSAGE"].map((each) => el("option", { value: each }, t(`method.${each}`))))),
        text ? el("label", { class: "wide", "data-key": "body" }, el("span", {}, t("hand.body")), el("textarea", { name: "body", rows: 2, maxlength: 500 })) : null,
        el("button", { type: "submit", class: "first", "data-key": "go" }, text ? t("hand.send") : t("hand.call"))));
  }

  _running(state) {
    const on = Boolean(state.traffic?.running ?? state.traffic?.rate);
    return el("details", { class: "running", "data-key": "running" },
      el("summary", {}, on ? t("traffic.on", { rate: count(state.traffic.rate ?? 0) }) : t("traffic.title")),
      el("div", { class: "row" },
        el("label", {}, el("span", {}, t("traffic.what")), el("select", { name: "scenario", value: this.scenario },
          el("option", { value: "" }, t("traffic.mix")), (state.scenarios ?? []).map((each) => {
            const id = each.id ?? each.name ?? each;
            return el("option", { value: id }, told(each.title) || id);
          }))),
        el("label", {}, el("span", {}, t("traffic.rate")), el("select", { name: "rate", value: String(this.rate) },
          RATES.map((each) => el("option", { value: each }, t("traffic.per", { rate: each }))))),
        on ? el("button", { type: "button", "data-do": "stop", "data-key": "stop", class: "first" }, t("traffic.stop"))
          : el("button", { type: "button", "data-do": "run", "data-key": "run", class: "first" }, t("traffic.run"))));
  }
}

function family(each) {
  return el("button", { type: "button", class: `family ${each.truth}`, "data-key": each.id, "data-do": "family", "data-id": each.id },
    figure(each.truth),
    el("span", { class: "title" }, told(each.title) || each.id),
    el("span", { class: "from" }, each.method === "MESSAGE" ? t("hand.byText") : each.display_name ? `${each.display_name} ${each.from}` : each.from),
    el("span", { class: "unseen" }, t(`truth.${each.truth}`)));
}

// The trainer's list of apps that phones are warned of.

import { get, post } from "./api.js";
import { el, onDo, show } from "./dom.js";
import "./theme.js";
import { loadWords, nextLanguage, onLanguage, t, told } from "./words.js";

const REASONS = ["fake_bank", "fake_police", "loan", "remote_control", "other"];
const id = (name) => document.getElementById(name);
let listed = { apps: [], reporting: [] };
let asked = 0; // changes that were asked for
let changed = Promise.resolve(); // once the last of them is answered

function draw() {
  document.title = t("list.title");
  show(id("screen"),
    el("section", { class: "pane" },
      el("p", { class: "dim" }, t("list.says")),
      el("p", {}, listed.reporting.length ? t("list.reporting", { names: listed.reporting.join(", ") }) : t("list.nobody")),
      listed.apps.length ? el("ul", { class: "installed" }, listed.apps.map(row)) : el("p", {}, t("list.none"))),
    el("section", { class: "pane" },
      el("form", { class: "adding" },
        el("label", {}, el("span", {}, t("list.name")), el("input", { id: "name", maxlength: "60", autocomplete: "off", required: true })),
        el("label", {}, el("span", {}, t("list.why")), el("select", { id: "why" }, REASONS.map((each) => el("option", { value: each }, t(`why.${each}`))))),
        el("button", { class: "act on" }, t("list.add")))));
}

function row(app) {
  return el("li", { "data-key": app.name },
    el("div", {}, el("h2", {}, app.name), el("p", { class: "dim" }, t(`why.${app.why}`))),
    el("button", { type: "button", "data-do": "remove", "data-app": app.name }, t("list.remove", { name: app.name })));
}

/** Add apps to the list, or drop names from it, as it is by then; one change after the other. */
function change(apps) {
  asked += 1;
  changed = changed.then(async () => {
    const got = await post("/api/app-list", { apps });
    id("error").hidden = got.ok;
    id("error").textContent = told(got.words) || (got.error ?? "");
    if (got.ok) listed = got;
    draw();
  });
}

async function look() {
  await changed;
  const before = asked;
  const got = await get("/api/app-list");
  if (got && asked === before) listed = got; // else it may be as it was before the change
  draw();
}

await loadWords("handset");
onLanguage(draw);
onDo(document.body, {
  language: () => nextLanguage(),
  remove: (button) => change({ drop: [button.dataset.app] }),
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  const name = id("name").value.trim();
  if (!name) return;
  change({ add: [{ name, why: id("why").value }] });
  id("name").value = "";
});
await look();
setInterval(look, 3000);

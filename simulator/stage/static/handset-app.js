// The safety app on the handset: what it warns of, what it reports and to whom, and how to switch it off, on one screen.

import { el } from "./dom.js";
import { figure } from "./figures.js";
import { t, languageNow } from "./words.js";

/** The app's screen. */
export function appScreen(state) {
  return [
    el("section", { class: "pane", "data-key": "app" },
      el("h2", { tabindex: "-1" }, t("app.title")),
      toggle("warns", state.warns, "app.calls"),
      toggle("reports", state.reports, "app.apps"),
      state.reports ? verdict(state) : null),
    el("section", { class: "pane", "data-key": "report" },
      el("h2", {}, t("app.report")),
      ...reported(state)),
    el("section", { class: "pane", "data-key": "apps" },
      el("h2", {}, t("app.installed")),
      el("p", { class: "dim" }, t("app.made_up")),
      apps(state)),
  ];
}

function toggle(which, on, words) {
  return el("div", { class: "toggle", "data-key": which },
    el("button", { type: "button", role: "switch", "data-do": which, "aria-checked": String(on), "aria-describedby": `${which}-says` },
      el("span", {}, t(words)), el("span", { class: "knob", "aria-hidden": "true" })),
    el("p", { id: `${which}-says`, class: "dim" }, t(`${words}_says`)));
}

function verdict({ phone }) {
  const { warnings } = phone.apps;
  if (warnings.length === 0) return el("p", { class: "done" }, figure("legit"), t("app.none_warned"));
  const words = warnings.length === 1 ? "app.some_warned" : "app.some_warned_many";
  return el("p", { class: "warning" }, figure("warned"), el("strong", {}, t(words, { count: warnings.length })));
}

function reported({ phone, reports }) {
  const report = reports ? phone.apps.reported : null;
  const time = report && new Date(report.at * 1000).toLocaleTimeString(languageNow() === "zh" ? "zh-CN" : "en-GB");
  return [
    report ? el("p", {}, t("app.report_is", { time })) : el("p", {}, t("app.report_none")),
    report ? el("pre", { tabindex: "0", "aria-label": t("app.report") }, JSON.stringify({ apps: report.apps }, null, 1)) : null,
    el("p", { class: "dim" }, t("app.report_to", { host: location.host })),
    el("p", { class: "dim" }, t("app.report_never")),
  ];
}

function apps({ phone, installed, reports }) {
  const there = installed ?? phone.offered_apps.slice(0, 4);
  const warned = new Map(reports ? phone.apps.warnings.map((each) => [each.name.toLowerCase(), each.why]) : []);
  const all = [...new Set([...there, ...phone.offered_apps])];
  return el("ul", { class: "installed" }, all.map((app) => {
    const on = there.includes(app);
    const why = on ? warned.get(app.toLowerCase()) : null;
    return el("li", { "data-key": app, class: why ? "bad" : null },
      el("div", {},
        el("h3", {}, app),
        why ? el("p", { class: "why" }, figure("warned"), t("app.warned", { why: t(`why.${why}`) })) : null),
      el("button", { type: "button", "data-do": "app", "data-app": app, "aria-label": `${t(on ? "app.remove" : "app.install")}: ${app}` }, t(on ? "app.remove" : "app.install")));
  }));
}

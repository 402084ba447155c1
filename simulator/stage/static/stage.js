// The stage: what the server tells comes in, the pace hands it out, and everything drawn follows that clock.

import { get, post } from "./api.js";
import { Calls, reportOf } from "./calls.js";
import { showCode } from "./code.js";
import { el, onDo, show } from "./dom.js";
import { figure } from "./figures.js";
import { Hand } from "./hand.js";
import { Keys } from "./keys.js";
import { Ladder } from "./ladder.js";
import { Lesson } from "./lesson.js";
import { keep, kept } from "./memory.js";
import { PACES, Pace, ordered } from "./pace.js";
import { PaceBar } from "./pacebar.js";
import { Picture } from "./picture.js";
import { Programme } from "./programme.js";
import { Rules } from "./rules.js";
import { EMPTY, after, meaning } from "./scene.js";
import { Score } from "./score.js";
import { Sound } from "./sound.js";
import { NOTHING, reduced } from "./state.js";
import { follow } from "./stream.js";
import { Switches } from "./switches.js";
import { tabs } from "./tabs.js";
import { nextTheme } from "./theme.js";
import { drawVerdict } from "./verdict.js";
import { clock, languageNow, learnRules, loadWords, nextLanguage, onLanguage, t, told } from "./words.js";

const BINDINGS = [
  [" ", "pause"], ["k", "pause"], ["n", "next"], ["r", "replay"], ["a", "again"], ["1", "slow"], ["2", "step"], ["3", "real"],
  ["h", "hand"], ["s", "switches"], ["u", "rules"], ["o", "score"], ["c", "calls"], ["j", "lesson"], ["g", "go"],
  ["b", "audience"], ["q", "code"], ["m", "mute"], ["l", "language"], ["d", "theme"], ["?", "keys"],
];
const PANELS_EVERY = 150; // ms: counters may change fifty times a second
const NOTICE_STAYS = 9000; // ms

const id = (name) => document.getElementById(name);
const calmly = matchMedia("(prefers-reduced-motion: reduce)");

await loadWords();

let state = NOTHING;
let scene = EMPTY;
let chosen = null; // the subscriber who is rung next
let stale = true; // panels are to be drawn
let redraw = true; // so is the picture
calmly.addEventListener("change", () => { redraw = true; });
let drawnAt = 0;
let before = performance.now();
let lostAt = null; // since when there is no connection, in seconds since 1970
let lostWhy = ""; // why, where that is known
let fetching = null; // a call whose past is being fetched, and what came of it meanwhile
const pace = new Pace(PACES.includes(kept("pace")) ? kept("pace") : "slow");
const programme = new Programme(pace, (call) => catchUp(call.id, "begin"));
const sound = new Sound();
let shown = 0; // what the programme has begun, and the scene is of

// --- parts

const failed = (answer) => notice("warning", (told(answer.words) || answer.error) ?? t(answer.status ? "failed.status" : "failed.connection", { status: answer.status }));
const placed = (call) => {
  if (!programme.isOn(call) || !programme.told) pace.paused = false; // else a pause is one in this call
  calls.forget();
  programme.want(call, state.calls.find((each) => each.id === call));
};

const picture = new Picture(id("picture"));
const ladder = new Ladder(id("ladder"), id("ladder-head"));
const hand = new Hand(id("hand"), { placed, failed, choose: (name) => { chosen = name; redraw = true; } });
const switches = new Switches(id("switches"), { failed, code: (name) => showCode(id("code"), name) });
const rules = new Rules(id("rules"), { failed });
const score = new Score(id("score"), {
  saved: (answer) => {
    if (!answer.ok) failed(answer);
    else notice("info", t("score.saved", { folder: answer.folder }), { href: reportOf(answer.run), text: t("score.report") });
    if (answer.handout === false) notice("warning", t("score.noHandout"));
  },
});
const calls = new Calls(id("calls"), { failed, replay: put });
const lesson = new Lesson(id("lesson"), { failed, placed, programme, panel: (name) => choosePanel(name, false) });
const choosePanel = tabs(id("tabs"), () => { stale = true; drawnAt = 0; });
const chooseWork = tabs(id("work-tabs"));

const doers = {
  pause: () => { pace.paused = !pace.paused && pace.mode !== "step"; stale = true; },
  next: () => { pace.step(); stale = true; },
  replay: () => { if (programme.call) calls.play(programme.call.id, programme.source); },
  again: () => hand.again(),
  hand: () => { chooseWork("hand"); id("hand").querySelector(".family")?.focus(); },
  lesson: () => chooseWork("lesson"),
  go: () => lesson.go(),
  code: () => showCode(id("code"), chosen),
  audience: () => pressed("audience", document.documentElement.classList.toggle("audience")),
  mute: () => showMuted(sound.mute()),
  language: nextLanguage,
  theme: nextTheme,
  keys: () => keys.open(),
  ...Object.fromEntries(PACES.map((mode) => [mode, () => use(mode)])),
  ...Object.fromEntries(["switches", "rules", "score", "calls"].map((panel) => [panel, () => choosePanel(panel)])),
};
const bar = new PaceBar(id("pace"), doers);
const keys = new Keys(BINDINGS, doers, id("sheet"));

for (const name of ["audience", "mute", "language", "theme", "keys"]) id(name).addEventListener("click", () => doers[name]());
onDo(id("verdict"), { hear: (button) => sound.play(button.dataset.url) });
onLanguage(() => {
  stale = redraw = true;
  tellLost();
  keysRedrawn();
  post("/api/voices", { language: languageNow() });
});
showMuted(sound.muted);

function tellLost() {
  const words = lostAt === null ? state.lab.proxy === "down" && "lost.proxy" : lostWhy ? `lost.${lostWhy}` : "lost";
  id("lost").hidden = !words;
  id("lost").textContent = words ? t(words, { at: clock(lostAt) }) : "";
}

function use(mode) {
  pace.mode = mode;
  pace.paused = false;
  keep("pace", mode);
  stale = true;
}

function pressed(name, on) {
  id(name).setAttribute("aria-pressed", String(on));
}

function showMuted(muted) {
  show(id("mute"), figure(muted ? "muted" : "loud"));
  pressed("mute", muted);
}

function keysRedrawn() {
  if (id("sheet").open) { id("sheet").close(); keys.open(); }
}

// --- what comes in

follow({
  onConnection(up, why = lostWhy) {
    lostAt = up ? null : lostAt ?? Date.now() / 1000;
    lostWhy = up ? "" : why;
    tellLost();
    document.documentElement.classList.toggle("cut-off", !up);
  },
  onState(whole) {
    const taught = state.lesson !== null;
    const heard = state.calls[0]?.id;
    state = { ...NOTHING, ...whole };
    stale = redraw = true;
    learnRules(state.rules);
    tellLost();
    if (state.lesson && !taught) chooseWork("lesson", false);
    const latest = state.calls[0];
    if (programme.call === null) {
      if (latest) catchUp(latest.id, "now");
      return;
    }
    if (!programme.ended && !programme.replayed) catchUp(programme.call.id, pace.mode === "real" && !pace.paused ? "now" : "rest");
    const place = state.calls.findIndex((each) => each.id === heard);
    programme.missed(place < 0 ? state.calls : state.calls.slice(0, place));
  },
  onEvent(event) {
    state = reduced(state, event);
    stale = true;
    if (fetching && (event.call === fetching.id || event.call?.id === fetching.id)) {
      fetching.events.push(event);
      if (programme.isOn(fetching.id)) programme.awaits();
    } else programme.take(event);
    if (event.event === "lesson") lesson.take(event.lesson);
    if (event.event === "lesson" && event.lesson) chooseWork("lesson", false);
    if (event.event === "notice") notice(event.level, told(event.words));
    if (event.event === "phone" || event.event === "text") redraw = true;
    if (event.event === "lab") tellLost();
  },
});

/** Fetch what became of a call so far, to show it as it is by `now`, from its `begin`, or the `rest` of what is shown. What
 * happens meanwhile comes after that. */
async function catchUp(call, how) {
  const mine = { id: call, events: [] };
  fetching = mine;
  const { begun } = programme;
  const got = await get(`/api/calls/${encodeURIComponent(call)}`);
  if (fetching !== mine) return; // all that this one would bring comes with the one that was asked for since
  fetching = null;
  if (!got || how === "rest") {
    for (const event of [...(got?.events ?? []), ...mine.events]) programme.take(event);
    return;
  }
  if (programme.begun !== begun && !programme.isOn(call)) return; // another one took the stage meanwhile
  const known = new Set(got.events.map((each) => JSON.stringify(each)));
  const events = [...got.events, ...mine.events.filter((each) => !known.has(JSON.stringify(each)))];
  programme.replay(got.call, how === "now" ? [] : events, { live: true });
  programme.ended = events.some((each) => each.event === "ended");
  scene = how === "now" ? ordered(events).reduce(after, { ...EMPTY, call: got.call }) : EMPTY;
  if (how === "now") {
    Object.assign(programme, { leg: scene.leg, taken: events.length, told: events.length });
    for (const each of events) programme.note(each);
  }
  shown = programme.begun;
  stale = redraw = true;
}

/** Put a call on the stage, from its beginning; one that goes on is shown to its end. */
function put(call, events, source) {
  pace.paused = false;
  if (!source && !events.some((each) => each.event === "ended")) catchUp(call.id, "begin");
  else {
    programme.replay(call, events, { source });
    scene = EMPTY;
  }
  stale = redraw = true;
  id("picture").scrollIntoView({ block: "nearest", behavior: calmly.matches ? "auto" : "smooth" });
}

function notice(level, text, link = null) {
  const more = link && el("a", { href: link.href, target: "_blank", rel: "noopener" }, link.text);
  const item = el("li", { class: level }, el("span", {}, text, more), el("button", { type: "button", "aria-label": t("close") }, "×"));
  item.querySelector("button").addEventListener("click", () => item.remove());
  id("notices").append(item);
  setTimeout(() => item.remove(), NOTICE_STAYS);
}

// --- what is drawn

function frame(now) {
  const began = programme.pass(now - before);
  before = now;
  if (programme.begun !== shown) {
    shown = programme.begun;
    scene = EMPTY;
  }
  for (const event of began) {
    scene = after(scene, event);
    say(event);
  }
  if (began.length) stale = true;
  if (began.length || redraw || !(calmly.matches || pace.done)) { // what stands still is drawn once
    redraw = false;
    picture.draw(scene, calmly.matches ? 1 : pace.progress, state, chosen);
  }
  if (began.length || (stale && now - drawnAt > PANELS_EVERY)) {
    stale = false;
    drawnAt = now;
    panels();
  }
  document.documentElement.classList.toggle("paused", pace.paused);
  document.documentElement.classList.toggle("taught", state.lesson !== null);
  sound.ring(scene.phone?.state === "ringing" && !pace.paused);
  requestAnimationFrame(frame);
}

function panels() {
  ladder.draw(scene);
  drawVerdict(id("verdict"), scene);
  hand.draw(state);
  if (!id("switches").hidden) switches.draw(state);
  if (!id("rules").hidden) rules.draw(state, scene.verdict?.rule);
  if (!id("score").hidden) score.draw(state);
  if (!id("calls").hidden) calls.draw(state, programme.call?.id);
  lesson.draw(state);
  bar.draw({ pace, passed: programme.passed, call: programme.call, replayed: programme.replayed });
  show(id("lab"), el("b", {}, state.scenario), ...Object.entries(state.lab).map(([part, how]) =>
    el("span", { class: `part ${how}` }, t("lab.part", { part: t(`lifeline.${part}`), state: t(`lab.${how}`) }))));
}

/** Tell those who listen rather than look. */
function say(event) {
  if (event.event === "judged") id("said").textContent = `${t(`verdict.${meaning(event)}.long`)}. ${told(event.words)}`;
  if (event.event === "phone" && event.state !== "idle") id("said").textContent = t("said.phone", { name: event.subscriber, state: t(`phone.${event.state}`) });
}

requestAnimationFrame(frame);

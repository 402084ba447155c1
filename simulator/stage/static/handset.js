// The page that is a phone: it shows what the phone on the server says, and tells that what its owner does.

import { el, onDo, show } from "./dom.js";
import { Line } from "./handset-line.js";
import { kept, keep } from "./handset-memory.js";
import { screenOf, tabsOf } from "./handset-screens.js";
import { Microphone, Speaker } from "./handset-sound.js";
import { post } from "./api.js";
import { Sound } from "./sound.js";
import { nextTheme } from "./theme.js";
import { loadWords, nextLanguage, onLanguage, t, told } from "./words.js";

const id = (name) => document.getElementById(name);
const name = decodeURIComponent(location.pathname.split("/").at(-1));
const memory = kept(name);
const ringer = new Sound();
const speaker = new Speaker();

const state = {
  phone: null, // as the server says
  tab: "calls",
  on: false, // somebody holds it
  away: null, // why the line is down
  dialled: "",
  keys: false, // the keypad in a call
  writing: { to: "", body: "" },
  seen: 0, // the time of the newest text that was read
  allowed: [],
  sent: null, // the order that was sent last
  installed: memory.installed, // null: those that come with the phone
  warns: memory.warns,
  reports: memory.reports,
  microphone: null,
};
const line = new Line(name, {
  phone: (phone) => took(phone),
  error: (answer) => complain(why(answer)),
  sound: (data) => speaker.play(data),
  lost: (why) => { state.away = why; draw(); },
});
const microphone = new Microphone((samples) => {
  if (state.phone?.state === "talking") line.speak(samples);
});
state.microphone = microphone;

/** The phone is this now. */
function took(phone) {
  const before = state.phone;
  state.phone = phone;
  if (!before) state.seen = phone.texts[0]?.at ?? 0;
  if (!before && state.reports) report();
  const ringing = phone.state === "ringing";
  ringer.ring(state.on && ringing);
  if (before?.call && before.call.id !== phone.call?.id) over(); // another one may ring at once
  if (ringing && before?.call?.id !== phone.call.id) announce(phone);
  const latest = phone.texts[0];
  if (before && latest && !latest.to && latest.at > (before.texts[0]?.at ?? 0)) {
    id("aloud").textContent = t("aloud.text", { who: latest.from });
    buzz([120]);
  }
  if (phone.state === "talking" && before?.state !== "talking") talk();
  draw();
}

function announce(phone) {
  const { call } = phone;
  const warnings = [call.label, ...(state.warns ? call.warnings.map((each) => t(`warned.${each}`)) : [])].filter(Boolean);
  id("aloud").textContent = t("aloud.ringing", { who: call.peer || t("call.hidden"), warnings: warnings.join(", ") });
  scrollTo(0, 0);
  shake();
}

/** Shake as long as it rings, where the device can. */
function shake() {
  if (!state.on || state.phone?.state !== "ringing") return;
  buzz([700, 300, 700]);
  setTimeout(shake, 3300);
}

function buzz(pattern) {
  if (state.on && navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(pattern);
}

function talk() {
  state.keys = false;
  if (state.on) speaker.wake();
}

function over() {
  microphone.close();
  state.keys = false;
  navigator.vibrate?.(0);
}

const why = (answer) => (told(answer.words) || answer.error) ?? t("lost");

function complain(error) {
  id("error").textContent = error;
  id("error").hidden = false;
  clearTimeout(complain.timer);
  complain.timer = setTimeout(() => { id("error").hidden = true; }, 5000);
}

/** Tell the phone to do something; false, and the reader knows, where the line is down. */
function tell(told) {
  const went = line.tell(told);
  if (!went) complain(t("lost"));
  return went;
}

function draw() {
  const { phone, away } = state;
  id("away").hidden = !away;
  id("away").textContent = away ? t(away) : "";
  document.documentElement.classList.toggle("cut-off", Boolean(away));
  if (!phone) return;
  document.title = t("title", { name: phone.name });
  id("whose").textContent = t("title", { name: phone.name });
  id("number").textContent = phone.number;
  const inCall = phone.state !== "idle";
  if (state.tab === "texts" && state.on && !inCall) state.seen = phone.texts[0]?.at ?? 0;
  document.body.dataset.state = state.on ? phone.state : "off";
  id("tabs").hidden = !state.on || inCall;
  show(id("screen"), screenOf(state));
  show(id("tabs"), tabsOf(state));
}

/** What needs no server, but moves: the time of a call and the loudness of both sides. */
function tick() {
  const clock = id("clock");
  if (clock && state.phone?.call) {
    const seconds = Math.max(0, Math.floor(Date.now() / 1000 - state.phone.call.since));
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
  for (const [meter, from] of [["heard", speaker], ["said", microphone]]) {
    const node = id(meter);
    if (node) node.value = from.level;
    from.level *= 0.9;
  }
}

async function report() {
  const told = state.reports ? { apps: state.installed ?? state.phone.offered_apps.slice(0, 4) } : { off: true };
  const got = await post(`/api/apps/${encodeURIComponent(name)}`, told);
  if (!got.ok) complain(why(got));
}

function remember() {
  keep(name, { installed: state.installed, warns: state.warns, reports: state.reports });
}

async function listen() {
  microphone.call = state.phone?.call?.id;
  await microphone.open();
  if (state.phone?.call?.id !== microphone.call) microphone.close(); // it is for that call alone
  draw();
}

const doers = {
  language: () => nextLanguage(),
  theme: () => nextTheme(),
  on: () => {
    state.on = true;
    speaker.wake();
    line.hold(true);
    draw();
    id("screen").querySelector("h2")?.focus();
  },
  off: () => {
    state.on = false;
    ringer.ring(false);
    line.hold(false);
    draw();
  },
  tab: (button) => {
    state.tab = button.dataset.tab;
    state.sent = null;
    scrollTo(0, 0);
    draw();
  },
  answer: () => {
    speaker.wake();
    if (!tell({ do: "answer", call: state.phone.call?.id })) return;
    ringer.ring(false);
    listen();
  },
  hang_up: () => tell({ do: "hang_up", call: state.phone.call?.id }),
  microphone: () => {
    if (microphone.state === "on") microphone.close();
    else listen();
    draw();
  },
  keys: () => { state.keys = !state.keys; draw(); },
  key: (button) => {
    const { key } = button.dataset;
    if (state.phone.state === "talking") tell({ do: "press", keys: key });
    else if (state.dialled.length < 40) state.dialled += key;
    draw();
  },
  back: () => { state.dialled = state.dialled.slice(0, -1); draw(); },
  dial: (button) => {
    speaker.wake();
    const number = button.dataset.number ?? state.dialled;
    if (!number) return;
    if (tell({ do: "dial", number })) state.dialled = "";
    draw();
  },
  prepare: (button) => {
    state.dialled = button.dataset.code;
    state.tab = "keypad";
    scrollTo(0, 0);
    draw();
  },
  order: (button) => {
    const { to, text } = button.dataset;
    if (tell({ do: "text", to, body: text })) state.sent = { to, text };
    draw();
  },
  send: () => {
    const to = id("to").value.trim();
    const body = id("body").value.trim();
    if (!to || !body) return;
    if (tell({ do: "text", to, body })) id("body").value = "";
    draw();
  },
  allow: (button) => {
    const { number } = button.dataset;
    if (tell({ do: "allow", number })) state.allowed.push(number);
    draw();
  },
  warns: () => { state.warns = !state.warns; remember(); draw(); },
  reports: () => { state.reports = !state.reports; remember(); report(); draw(); },
  app: (button) => {
    const { app } = button.dataset;
    const installed = state.installed ?? state.phone.offered_apps.slice(0, 4);
    state.installed = installed.includes(app) ? installed.filter((each) => each !== app) : [...installed, app];
    remember();
    if (state.reports) report();
    draw();
  },
};

function typed(event) {
  if (event.target.id === "dialled") state.dialled = event.target.value.replace(/[^0-9+*#]/g, "").slice(0, 40);
}

await loadWords("handset");
onLanguage(draw);
onDo(document.body, doers);
document.addEventListener("input", typed);
document.addEventListener("submit", (event) => {
  event.preventDefault();
  doers[event.target.dataset.submit]?.(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && state.phone && state.phone.state !== "idle") doers.hang_up();
});
show(id("screen"), el("p", { class: "waiting" }, "…"));
draw();
setInterval(tick, 100);

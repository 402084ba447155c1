// The scene: what is to be seen of the call on the stage, worked out of the events that have begun. Pure.

import { placeOf } from "./pace.js";

export const LIFELINES = ["caller", "trunk", "proxy", "softswitch", "phone"];

export const EMPTY = Object.freeze({
  call: null, // as it was placed
  steps: [], // messages and the verdict, in order, for the ladder
  leg: "", // the Call-ID at the caller's side
  moving: null, // {from, to, label, kind}: the message on its way
  reached: "caller", // the farthest place that the call itself came to
  verdict: null,
  gate: "closed", // closed, asking, open, refused, aside
  phone: null, // what the callee's phone shows
  texts: [], // that came to the callee's phone in this call
  heard: [],
  ended: null,
});

const OPENING = /^(INVITE|MESSAGE) /;
const GATES = { allow: "open", label: "open", challenge: "aside", divert: "aside", reject: "refused" };

/** True of what a subscriber ordered of the operator, who took it: it is for no phone. */
export const isOrder = (verdict) => verdict.rule === "self_service" && verdict.action !== "reject";

/** The meaning of a verdict: rings, warned, refused, aside, ordered. */
export function meaning(verdict) {
  if (isOrder(verdict)) return "ordered";
  if (verdict.action === "allow") return verdict.label ? "warned" : "rings";
  return { label: "warned", reject: "refused" }[verdict.action] ?? "aside";
}

/** The figure of a verdict. */
export const figureOf = (verdict) => (meaning(verdict) === "rings" && verdict.method === "MESSAGE" ? "delivered" : meaning(verdict));

/** The word of a message: its method, or status and reason. */
export function labelOf(firstLine) {
  const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(firstLine);
  return response ? `${response[1]} ${response[2]}`.trim() : firstLine.split(" ", 1)[0];
}

/** What kind of message it is: opening, request, progress, success, failure. */
export function kindOf(firstLine) {
  const status = Number(/^SIP\/2\.0 (\d{3})/.exec(firstLine)?.[1] ?? 0);
  if (status) return status < 200 ? "progress" : status < 300 ? "success" : "failure";
  return OPENING.test(firstLine) ? "opening" : "request";
}

/** The Call-ID of a message, by which the legs of a call differ. */
export const callIdOf = (text) => /\r?\n(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]*)/i.exec(text)?.[1].trim() ?? "";

/** True for what passes between softswitch and proxy on the leg to the phone. */
export function isBehind(leg, { event, from, to, text }) {
  return event === "message" && leg !== "" && from !== "phone" && to !== "phone" && callIdOf(text) !== leg;
}

/** Where the picture has a message go. The softswitch reaches phones through the proxy, on a leg of its own: on the picture
 * that leg goes straight from the softswitch to the phone. */
function way(leg, event) {
  const { from, to } = event;
  if (isBehind(leg, event)) return null;
  const end = (one, other) => (one === "proxy" && other === "phone" ? "softswitch" : one);
  return [end(from, to), end(to, from)];
}

/** What the gate does: who is refused by an announcement passes it, for the softswitch is to tell them. */
const gateOf = ({ action, service }) => (action === "reject" && service ? "aside" : GATES[action] ?? "closed");

/** The scene after an event. */
export function after(scene, event) {
  const change = CHANGES[event.event];
  return change ? change(scene, event) : scene;
}

const CHANGES = {
  placed: (_, event) => ({ ...EMPTY, call: event.call, began: event.at }),

  message(scene, event) {
    const kind = kindOf(event.first_line);
    const label = labelOf(event.first_line);
    const leg = scene.leg || callIdOf(event.text);
    const ends = way(leg, event);
    const moving = ends && { from: ends[0], to: ends[1], label, kind };
    const farther = kind === "opening" && LIFELINES.indexOf(event.to) > LIFELINES.indexOf(scene.reached);
    const gate = scene.gate === "closed" && kind === "opening" && event.to === "proxy" ? "asking" : scene.gate;
    const again = scene.steps.some((each) => each.event === "message" && each.text === event.text
      && each.from === event.from && each.to === event.to);
    return {
      ...scene, moving, gate, leg,
      reached: farther ? event.to : scene.reached,
      steps: [...scene.steps, { ...event, label, kind, again }],
    };
  },

  judged(scene, event) {
    const verdict = { ...event, method: scene.call?.method };
    const place = placeOf(event, scene.steps); // it may be told late
    return {
      ...scene, verdict, moving: null, gate: gateOf(event),
      reached: scene.reached === "caller" ? "proxy" : scene.reached,
      steps: [...scene.steps.slice(0, place), verdict, ...scene.steps.slice(place)],
    };
  },

  phone(scene, event) {
    if (event.state === "idle") return { ...scene, phone: { ...scene.phone, state: "idle" } };
    return { ...scene, reached: "phone", phone: { ...event, label: event.label || (scene.verdict?.label ?? "") } };
  },

  text: (scene, event) => ({ ...scene, texts: [...scene.texts, event] }),

  heard: (scene, event) => ({ ...scene, heard: [...scene.heard.filter((each) => each.who !== event.who), event] }),

  ended: (scene, event) => ({ ...scene, moving: null, ended: event }),
};

// The picture: a caller, the trunk, the fence, the softswitch and the phone, with the call on its way between them.

import { device, others } from "./device.js";
import { el, show, svg, visible } from "./dom.js";
import { paths } from "./figures.js";
import { TALL, WIDE } from "./geometry.js";
import { LIFELINES, figureOf, meaning } from "./scene.js";
import { known, onLanguage, t } from "./words.js";

const NARROW = 620; // px of the picture below which it stands upright
const LONGEST = 22; // characters of what others chose
const TRUTHS = { scam: "scam", legit: "legit", attack: "attack" };

/** Draws into `root`. */
export class Picture {
  constructor(root) {
    this.root = root;
    this.layout = null;
    this.device = el("div", { class: "device" });
    this.others = el("ul", { class: "others" });
    this.last = null;
    new ResizeObserver(() => this._fit()).observe(root);
    onLanguage(() => { this._build(); });
    this._fit();
  }

  _fit() {
    const layout = this.root.clientWidth < NARROW ? TALL : WIDE;
    if (layout !== this.layout) {
      this.layout = layout;
      this._build();
    }
  }

  _build() {
    const { layout } = this;
    this.parts = scenery(layout);
    this.root.dataset.layout = layout.name;
    this.root.replaceChildren(this.parts.svg, this.device, this.others);
    this.routes = Object.fromEntries(Object.entries(layout.routes).map(([name, pieces]) => [name, measured(pieces)]));
    if (this.last) this.draw(...this.last);
  }

  /** Draw the scene, `progress` of its last event, and the subscribers as they are. `chosen` is who is rung next. */
  draw(scene, progress, state, chosen) {
    this.last = [scene, progress, state, chosen];
    const { parts, layout } = this;
    const side = sideOf(scene, state);
    for (const name of ["abroad", "home"]) {
      parts[name].classList.toggle("on", scene.call !== null && side === name);
      parts[`cable-${name}`].classList.toggle("on", scene.call !== null && side === name);
    }
    parts.svg.dataset.gate = scene.gate;
    const open = scene.gate === "open" || scene.gate === "aside" ? 1 : 0;
    parts.gate.setAttribute("transform", `translate(${layout.opens.map((way) => way * open).join(" ")})`);
    this._sign(scene);
    this._service(scene);
    this._caller(scene, side, state);
    this._moving(scene, progress, this.routes[side]);
    parts.reached.classList.toggle("on", scene.call !== null && scene.reached !== "caller");
    show(this.device, device(scene, state, chosen));
    this.device.className = `device ${this.device.firstElementChild?.dataset.state ?? "idle"}`;
    show(this.others, others(scene, state, chosen));
  }

  _sign(scene) {
    const { sign } = this.parts;
    const name = scene.verdict ? meaning(scene.verdict) : null;
    const shown = scene.verdict ? figureOf(scene.verdict) : "";
    if (sign.dataset.name !== shown) {
      sign.dataset.name = shown;
      sign.replaceChildren(...(shown ? [svg("g", { class: `figure ${shown}` }, paths(shown))] : []));
    }
    write(this.parts.verdict, name ? t(`verdict.${name}`) : scene.gate === "asking" ? t("picture.asking") : "");
  }

  _service(scene) {
    const service = /^rf\*(\w+)/.exec(scene.verdict?.service ?? "")?.[1];
    this.parts.service.classList.toggle("on", Boolean(service) && ["softswitch", "phone"].includes(scene.reached));
    write(this.parts.serviceName, service ? known(`service.${service}`, service) : "");
  }

  _caller(scene, side, state) {
    const { parts } = this;
    const call = scene.call;
    for (const name of ["abroad", "home"]) {
      const here = call !== null && side === name;
      write(parts[`${name}-number`], here ? short(call.from || t("call.nobody")) : "");
      write(parts[`trunk-${name}`], trunkOf(name, here ? call.trunk : null, state));
    }
  }

  /** The call where it has come to, and the message on its way. */
  _moving(scene, progress, route) {
    const { token, pill, svg: root } = this.parts;
    const { call, moving } = scene;
    token.classList.toggle("on", call !== null);
    if (call === null) {
      pill.classList.remove("on");
      return;
    }
    const name = TRUTHS[call.truth] ?? "unknown";
    if (token.dataset.name !== name + call.method) {
      token.dataset.name = name + call.method;
      token.replaceChildren(
        svg("g", { class: `figure ${name}`, transform: "translate(-30 -30) scale(2.5)" }, paths(name)),
        ...(call.method === "MESSAGE" ? [svg("g", { class: "figure text small", transform: "translate(8 4) scale(1.3)" }, paths("text"))] : []),
      );
    }
    const carried = moving?.kind === "opening";
    const way = moving && [lengthAt(route, moving.from), lengthAt(route, moving.to)];
    const here = way ? way[0] + (way[1] - way[0]) * eased(progress) : 0;
    const at = route.path.getPointAtLength(carried ? here : lengthAt(route, scene.reached));
    token.setAttribute("transform", `translate(${at.x} ${at.y}) scale(${this.layout.size})`);
    token.classList.toggle("stopped", scene.gate === "refused");
    pill.classList.toggle("on", Boolean(moving));
    root.dataset.kind = moving?.kind ?? "";
    if (!moving) return;
    const point = route.path.getPointAtLength(here);
    const back = way[1] < way[0];
    const text = back ? `\u25c2 ${short(moving.label)}` : `${short(moving.label)} \u25b8`;
    write(pill.querySelector("text"), text);
    const width = 30 + 16.5 * text.length;
    const box = pill.querySelector("rect");
    box.setAttribute("width", width);
    box.setAttribute("x", -width / 2);
    pill.setAttribute("class", `pill on ${moving.kind}`);
    const [, , full] = this.layout.viewBox;
    const half = (width / 2) * this.layout.size;
    const x = Math.max(half + 6, Math.min(full - half - 6, point.x));
    pill.setAttribute("transform", `translate(${x} ${point.y - 52 * this.layout.size}) scale(${this.layout.size})`);
  }
}

/** The side that a call comes from: abroad, or home. */
export function sideOf(scene, state) {
  const trunk = state.trunks.find((each) => each.name === scene.call?.trunk);
  const kind = trunk?.kind ?? (scene.call?.trunk === "international" ? "international" : scene.call ? "domestic" : "international");
  return kind === "international" ? "abroad" : "home";
}

function trunkOf(side, used, state) {
  const kind = side === "abroad" ? "international" : "domestic";
  const name = used ?? state.trunks.find((each) => each.kind === kind)?.name;
  return name ? known(`trunk.${name}`, name) : "";
}

const eased = (share) => (share < 0.5 ? 2 * share * share : 1 - (2 - 2 * share) ** 2 / 2);

const short = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

function write(node, text) {
  const shown = visible(text);
  if (node.textContent !== shown) node.textContent = shown;
}

/** A route as one path, with the length at which each lifeline sits. */
function measured(pieces) {
  const lengths = pieces.map((_, place) => svg("path", { d: pieces.slice(0, place + 1).join("") }).getTotalLength());
  const [proxy, softswitch, phone] = lengths;
  return { path: svg("path", { d: pieces.join("") }), lengths: [0, proxy / 2, proxy, softswitch, phone] };
}

const lengthAt = (route, lifeline) => route.lengths[Math.max(0, LIFELINES.indexOf(lifeline))];

/** All that stands still, and what moves, to be found by name. */
function scenery(layout) {
  const parts = {};
  const named = (name, node) => { parts[name] = node; return node; };
  const label = (text, [x, y], cls, anchor) => svg("text", { x, y, class: cls, "text-anchor": anchor ?? "middle" }, text);
  const tall = layout.name === "tall";
  const place = (name, spot) => named(name, svg("g", { class: `caller ${name}` },
    svg("g", { transform: `translate(${spot.x} ${spot.y}) scale(${layout.size})` }, person(name)),
    label(t(`picture.${name}`), spot.caption, "caption"),
    named(`${name}-number`, label("", [spot.caption[0], spot.caption[1] + 30 * layout.size], "small number")),
  ));
  const cable = (side) => named(`cable-${side}`, svg("g", { class: "cable" },
    svg("path", { d: layout.routes[side][0], class: "sheath" }), svg("path", { d: layout.routes[side][0], class: "wire" })));
  const { inner } = layout;
  const gate = layout.fence.filter((each) => each.gate);
  const sides = [layout.fence.slice(0, layout.fence.indexOf(gate[0])), layout.fence.slice(layout.fence.indexOf(gate.at(-1)) + 1)];
  const box = layout.softswitch;
  parts.svg = svg("svg", { viewBox: layout.viewBox.join(" "), "aria-hidden": "true", class: "scenery" },
    svg("path", { d: `${layout.border}L0 0Z`, class: "foreign" }),
    globe(layout.globe),
    svg("path", { d: layout.border, class: "border" }),
    cable("abroad"), cable("home"),
    named("reached", svg("g", { class: "cable inner" }, svg("path", { d: inner, class: "sheath" }), svg("path", { d: inner, class: "wire" }))),
    place("abroad", layout.abroad), place("home", layout.home),
    named("trunk-abroad", label("", layout.trunk.abroad, "small", "start")),
    named("trunk-home", label("", layout.trunk.home, "small", tall ? "end" : "start")),
    svg("g", { class: "fence" },
      named("gate", svg("g", { class: "gate" }, gate.map(picket), rails(gate))),
      sides.map((side) => [side.map(picket), rails(side)])),
    label(t("picture.proxy"), layout.proxy, "caption", tall ? "start" : "middle"),
    label(t("picture.fence"), [layout.proxy[0], layout.proxy[1] + 28 * layout.size], "small", tall ? "start" : "middle"),
    softswitch(box), label(t("picture.softswitch"), box.caption, "caption", tall ? "start" : "middle"),
    named("service", svg("g", { class: "service", transform: `translate(${layout.service.x} ${layout.service.y}) scale(${layout.size})` },
      svg("path", { d: "M-96-30H-16L0-50 16-30H96a12 12 0 0 1 12 12v34a12 12 0 0 1-12 12H-96a12 12 0 0 1-12-12v-34a12 12 0 0 1 12-12Z" }),
      named("serviceName", label("", [0, 8], "small")))),
    svg("g", { transform: `translate(${layout.sign.x - layout.sign.size / 2} ${layout.sign.y - layout.sign.size / 2}) scale(${layout.sign.size / 24})` },
      named("sign", svg("g", { class: "sign" }))),
    named("verdict", label("", layout.sign.text, "caption verdict", tall ? "end" : "start")),
    named("token", svg("g", { class: "token" })),
    named("pill", svg("g", { class: "pill" }, svg("rect", { y: -24, height: 40, rx: 20 }), svg("text", { y: 5, "text-anchor": "middle" }))),
  );
  return parts;
}

function person(side) {
  const roof = side === "home" ? svg("path", { d: "M-50 8 0-44 50 8V44H-50Z", class: "house" }) : null;
  return [
    roof ?? svg("circle", { r: 48, class: "disc" }),
    svg("circle", { cy: -10, r: 13, class: "body" }),
    svg("path", { d: "M-24 34c0-18 10-28 24-28s24 10 24 28Z", class: "body" }),
    svg("path", { d: "M15-22c7 4 9 14 4 21", class: "handset" }),
  ];
}

function globe({ x, y, r }) {
  const bows = [0.35, 0.72].map((share) => svg("ellipse", { cx: x, cy: y, rx: r * share, ry: r }));
  const rows = [-0.5, 0, 0.5].map((share) => {
    const half = r * Math.sqrt(1 - share * share);
    return svg("path", { d: `M${x - half} ${y + r * share}H${x + half}` });
  });
  return svg("g", { class: "globe" }, svg("circle", { cx: x, cy: y, r }), bows, rows);
}

function picket({ x, y, width, height }) {
  const [left, right, tip] = [x - width / 2, x + width / 2, y - height];
  return svg("path", { d: `M${left} ${y}V${tip + width * 0.6}L${x} ${tip}L${right} ${tip + width * 0.6}V${y}Z`, class: "picket" });
}

function rails(pickets) {
  const [from, to] = [pickets[0], pickets.at(-1)];
  return [0.3, 0.66].map((share) =>
    svg("path", { d: `M${from.x} ${from.y - from.height * share}L${to.x} ${to.y - to.height * share}`, class: "rail" }));
}

function softswitch({ x, y, width, height }) {
  const [left, right, middle] = [x + width * 0.2, x + width * 0.8, y + height / 2];
  const rows = [-0.24, 0.24].map((share) => middle + height * share);
  return svg("g", { class: "softswitch" },
    svg("rect", { x, y, width, height, rx: 14 }),
    svg("path", { d: `M${left} ${rows[0]}L${right} ${rows[1]}M${left} ${rows[1]}L${right} ${rows[0]}` }),
    [left, right].flatMap((cx) => rows.map((cy) => svg("circle", { cx, cy, r: width * 0.06 }))));
}

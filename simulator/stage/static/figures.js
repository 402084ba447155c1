// The figures that stand for a meaning. Each has a shape of its own, so that nobody has to tell colours apart.

import { el, svg } from "./dom.js";

const CIRCLE = "M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20Z";

// name: [outline, mark within]
const SHAPES = {
  scam: ["M12 1.5 22.5 12 12 22.5 1.5 12Z", "M13.5 6.5v7.2a2.8 2.8 0 1 1-5.6 0v-1.4m0 0-1.6 1.8m1.6-1.8 1.6 1.8"], // a hook
  legit: [CIRCLE, "M7.2 12.4l3.3 3.3 6.3-7"],
  unknown: ["M3 3h18v18H3Z", "M9.2 9.4a2.9 2.9 0 1 1 4.2 2.6c-1 .5-1.4 1-1.4 2m0 3v.3"],
  attack: ["M12 1.5 22.5 12 12 22.5 1.5 12Z", "M12 6v7m0 3.6v.3"],
  refused: ["M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9Z", "M8 8l8 8m0-8-8 8"],
  warned: ["M12 2 23.2 21.5H.8Z", "M12 9v6.2m0 2.8v.3"],
  rings: ["M12 2.2a6.4 6.4 0 0 0-6.4 6.4v5L3.2 17.4h17.6l-2.4-3.8v-5A6.4 6.4 0 0 0 12 2.2ZM9.2 18.6a2.8 2.8 0 0 0 5.6 0Z", ""],
  silent: ["M12 2.2a6.4 6.4 0 0 0-6.4 6.4v5L3.2 17.4h17.6l-2.4-3.8v-5A6.4 6.4 0 0 0 12 2.2ZM9.2 18.6a2.8 2.8 0 0 0 5.6 0Z", "M3 3l18 18"],
  aside: [CIRCLE, "M7 8v3.5a3 3 0 0 0 3 3h6m0 0-3-3m3 3-3 3"],
  delivered: ["M2 4.5h20v15H2Z", "M3.5 6.5 12 13l8.5-6.5"],
  ordered: ["M2 4.5h20v15H2Z", "M7.2 12.4l3.3 3.3 6.3-7"],
  text: ["M2 4.5h20v15H2Z", "M3.5 6.5 12 13l8.5-6.5"],
  talking: ["M6.6 2.5 9.8 7 8 9.8a13 13 0 0 0 6.2 6.2L17 14.2l4.5 3.2c-.4 2.6-2 4.1-4.3 4.1C9.5 21.5 2.5 14.5 2.5 6.800c0-2.3 1.5-3.9 4.1-4.300Z", ""],
  loud: ["M3 9v6h4.500l6 5V4l-6 5Z", "M16.5 8.500a5 5 0 0 1 0 7m2.5-9.500a8.5 8.5 0 0 1 0 12"],
  muted: ["M3 9v6h4.500l6 5V4l-6 5Z", "M16.5 9.500l5 5m0-5-5 5"],
  idle: ["M7 1.500h10a1.5 1.5 0 0 1 1.5 1.500v18a1.5 1.5 0 0 1-1.5 1.500H7A1.5 1.5 0 0 1 5.5 21V3A1.5 1.5 0 0 1 7 1.500Z", "M10.5 19.500h3"],
};

/** The paths of a figure, in a square of 24. */
export function paths(name) {
  const [outline, mark] = SHAPES[name] ?? SHAPES.unknown;
  return [svg("path", { d: outline, class: "outline" }), mark && svg("path", { d: mark, class: "mark" })];
}

/** A figure as an image of its own; the word beside it says what it means. */
export function figure(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: `figure ${name}`, "aria-hidden": "true" }, paths(name));
}

/** A figure with its word. */
export function badge(name, word) {
  return el("span", { class: `badge ${name}` }, figure(name), el("span", {}, word));
}

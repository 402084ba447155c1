// Builds elements, and morphs what is shown into what shall be: a button keeps its focus while counters beside it run.
// Texts become text nodes only: what callers sent is never read as markup.

const SVG = "http://www.w3.org/2000/svg";
const KEPT = new Set(["open"]); // attributes that the reader changes, and no redrawing takes back

// The controls that turn round what is read beside them, and what a screen cannot show.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g;

/** The text with a picture of each character that cannot be seen. */
export function visible(text) {
  return String(text ?? "").replace(UNSEEN, (one) => {
    const code = one.charCodeAt(0);
    return code < 32 ? String.fromCharCode(0x2400 + code) : code === 127 ? "\u2421" : "\ufffd";
  });
}

/** An element; `attributes` are set as such, but for `checked` and `value`, which are properties as well. */
export function el(tag, attributes = {}, ...children) {
  return built(document.createElement(tag), attributes, children);
}

/** An element of SVG. */
export function svg(tag, attributes = {}, ...children) {
  return built(document.createElementNS(SVG, tag), attributes, children);
}

function built(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : String(value));
    if (name === "checked" || name === "value") node[name] = value;
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : visible(child));
  }
  return node;
}

/** Make the children of `root` like `wanted`, changing what differs only. Children with the same `data-key` are the same. */
export function show(root, ...wanted) {
  const nodes = wanted.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false);
  morphChildren(root, nodes.map((each) => (each instanceof Node ? each : document.createTextNode(visible(each)))));
}

function morphChildren(parent, wanted) {
  const keyed = new Map();
  for (const child of parent.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let place = parent.firstChild;
  for (const want of wanted) {
    const key = want.dataset?.key;
    let have = key ? keyed.get(key) : place;
    if (have && !key && have.dataset?.key) have = null;
    if (!have || have.nodeName !== want.nodeName) {
      parent.insertBefore(want, place);
      continue;
    }
    if (have === place) place = place.nextSibling;
    else parent.insertBefore(have, place);
    morph(have, want);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function morph(have, want) {
  if (have.nodeType === Node.TEXT_NODE) {
    if (have.data !== want.data) have.data = want.data;
    return;
  }
  for (const { name } of [...have.attributes]) {
    if (!want.hasAttribute(name) && !KEPT.has(name) && name !== "style") have.removeAttribute(name);
  }
  for (const { name, value } of want.attributes) {
    if (have.getAttribute(name) !== value && !KEPT.has(name)) have.setAttribute(name, value);
  }
  if (have.type === "radio" || have.type === "checkbox") have.checked = want.checked;
  else if (want.hasAttribute("value") && "value" in have && have !== document.activeElement) have.value = want.value;
  if (have.tagName !== "TEXTAREA") morphChildren(have, [...want.childNodes]);
  if (have.tagName === "SELECT" && want.hasAttribute("value")) have.value = want.getAttribute("value");
}

/** Call `doers[name]` with the element for each click on an element of `root` with `data-do="name"`. */
export function onDo(root, doers) {
  root.addEventListener("click", (event) => {
    const target = event.target.closest("[data-do]");
    if (target && root.contains(target) && !target.disabled) doers[target.dataset.do]?.(target, event);
  });
}

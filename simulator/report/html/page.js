"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const word = (name, row) => (data.words[name] ? data.words[name][data.codes[name][row]] : "");
  data.ids = data.ids.map((id, row) => (id[0] === "=" ? id.slice(1) : word("name", row) + id));
  const count = data.ids.length;
  const ladders = new Set(data.ladders);
  const grid = document.getElementById("table");
  const panel = document.getElementById("call");
  const search = document.getElementById("search");
  const show = document.getElementById("show");
  const found = document.getElementById("found");
  const number = (value) => value.toLocaleString("en");
  const delay = (value) => (value === null ? "" : (value / 100).toFixed(2));
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  // The table: only rows near what is seen are in the document.
  const did = (row) => [word("action", row), data.status[row] || "", word("rule", row) && `by ${word("rule", row)}`].filter(Boolean).join(" ");
  const result = (row) => (data.failed[row] === "1" ? "✕ failed" : data.right[row] === "1" ? "✓ right" : word("outcome", row) === "fault" ? "! fault" : "✕ mistaken");
  const columns = [
    { name: "Call", key: "id", text: (row) => data.ids[row], sort: (row) => data.ids[row] },
    ...(data.words.scenario ? [{ name: "Scenario", key: "scenario", text: (row) => word("scenario", row) }] : []),
    { name: "Truth", key: "truth", text: (row) => word("truth", row) },
    { name: "From", key: "caller", text: (row) => word("caller", row) },
    { name: "To", key: "callee", text: (row) => word("callee", row) },
    { name: "The proxy", key: "did", text: did },
    { name: "Result", key: "result", text: result },
    { name: "Rings after, ms", key: "setup", text: (row) => delay(data.setup[row]), sort: (row) => data.setup[row] ?? -1 },
    { name: "Added, ms", key: "added", text: (row) => delay(data.added[row]), sort: (row) => data.added[row] ?? -1e9 },
  ];
  grid.style.setProperty("--columns", columns.length);
  grid.classList.toggle("suite", Boolean(data.words.scenario));
  grid.setAttribute("aria-colcount", columns.length);
  const head = make("div", { role: "row", class: "row head", "aria-rowindex": 1 });
  columns.forEach((column, place) => {
    const button = make("button", { type: "button" }, column.name);
    button.addEventListener("click", () => order(place));
    column.cell = make("div", { role: "columnheader", "aria-colindex": place + 1, class: column.key }, button);
    head.append(column.cell);
  });
  const body = make("div", { role: "rowgroup", class: "body" });
  grid.append(make("div", { role: "rowgroup", class: "head-group" }, head), body);

  let rows = [];
  let active = -1;
  let sorted = null;
  let texts = null;
  const height = () => parseFloat(getComputedStyle(grid).getPropertyValue("--row"));

  const searched = () => {
    if (texts === null) {
      const shared = ["name", "family", "truth", "caller", "callee", "outcome", "action", "rule", "why", "scenario"];
      const lower = Object.fromEntries(shared.filter((name) => data.words[name]).map((name) => [name, data.words[name].map((text) => text.toLowerCase())]));
      texts = data.ids.map((id, row) => `${id.toLowerCase()}\n${Object.keys(lower).map((name) => lower[name][data.codes[name][row]]).join("\n")}\n${data.status[row]}`);
    }
    return texts;
  };
  const kept = {
    all: () => true,
    failed: (row) => data.failed[row] === "1",
    mistaken: (row) => data.right[row] === "0",
    missed: (row) => ["scam", "attack"].includes(word("truth", row)) && word("outcome", row) === "passed",
    stopped: (row) => word("truth", row) === "legit" && word("outcome", row) === "blocked",
    fault: (row) => word("outcome", row) === "fault",
    ladder: (row) => ladders.has(row),
  };
  const filter = () => {
    const keep = kept[show.value];
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = terms.length ? searched() : null;
    rows = [];
    for (let row = 0; row < count; row += 1) {
      if (keep(row) && terms.every((term) => all[row].includes(term))) rows.push(row);
    }
    if (sorted !== null) sort();
    active = rows.length ? 0 : -1;
    grid.scrollTop = 0;
    found.textContent = rows.length === count ? `${number(count)} calls` : `${number(rows.length)} of ${number(count)} calls`;
    grid.setAttribute("aria-rowcount", rows.length + 1);
    draw();
  };
  const sort = () => {
    const { place, down } = sorted;
    const key = columns[place].sort || columns[place].text;
    const keys = new Map(rows.map((row) => [row, key(row)]));
    const compare = (a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : a - b);
    rows.sort(down ? (a, b) => compare(b, a) : compare);
  };
  const order = (place) => {
    sorted = sorted && sorted.place === place ? (sorted.down ? null : { place, down: true }) : { place, down: false };
    columns.forEach((column, each) => {
      if (sorted && sorted.place === each) column.cell.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else column.cell.removeAttribute("aria-sort");
    });
    filter();
  };
  const draw = () => {
    const tall = height();
    body.style.height = `${Math.max(1, rows.length) * tall}px`;
    const first = Math.max(0, Math.floor(grid.scrollTop / tall) - 8);
    const last = Math.min(rows.length, Math.ceil((grid.scrollTop + grid.clientHeight) / tall) + 8);
    const drawn = [];
    for (let place = first; place < last; place += 1) {
      const row = rows[place];
      const line = make("div", { role: "row", class: "row", id: `row-${row}`, "aria-rowindex": place + 2, "aria-selected": place === active });
      line.style.top = `${place * tall}px`;
      if (data.failed[row] === "1" || data.right[row] === "0") line.classList.add("bad");
      if (ladders.has(row)) line.classList.add("has-ladder");
      columns.forEach((column, each) => line.append(make("div", { role: "gridcell", "aria-colindex": each + 1, class: column.key, title: column.text(row) }, String(column.text(row)))));
      line.addEventListener("click", () => { active = place; draw(); choose(row, true); });
      drawn.push(line);
    }
    if (!drawn.length) drawn.push(make("div", { role: "row", class: "row none" }, make("div", { role: "gridcell" }, "No call is like that.")));
    body.replaceChildren(...drawn);
    if (active >= 0) grid.setAttribute("aria-activedescendant", `row-${rows[active]}`);
    else grid.removeAttribute("aria-activedescendant");
  };
  const go = (place) => {
    if (!rows.length) return;
    active = Math.min(rows.length - 1, Math.max(0, place));
    const tall = height();
    const top = active * tall;
    const room = grid.clientHeight - head.offsetHeight;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + tall > grid.scrollTop + room) grid.scrollTop = top + tall - room;
    draw();
  };
  grid.addEventListener("keydown", (event) => {
    if (event.target !== grid) return;
    const page = Math.max(1, Math.floor((grid.clientHeight - head.offsetHeight) / height()) - 1);
    const steps = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: rows.length - 1 };
    if (event.key in steps) go(steps[event.key]);
    else if (event.key === "Enter" && active >= 0) choose(rows[active], true);
    else return;
    event.preventDefault();
  });
  let waiting = 0;
  grid.addEventListener("scroll", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(draw); });
  addEventListener("resize", draw);
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && rows.length) choose(rows[0], true);
    else if (event.key === "ArrowDown") grid.focus();
    else return;
    event.preventDefault();
  });
  show.addEventListener("change", filter);

  // One call, with its ladder where the page has it.
  const choose = (row, moved) => {
    const template = document.getElementById(`panel-${row}`);
    if (template) panel.replaceChildren(template.content.cloneNode(true));
    else panel.replaceChildren(brief(row));
    wire(panel);
    if (moved) {
      history.replaceState(null, "", `#call-${row}`);
      panel.querySelector("h3").focus({ preventScroll: true });
      panel.scrollIntoView({ block: "start" });
    }
  };
  const brief = (row) => {
    const article = make("article", { class: "call", "aria-labelledby": "call-title" }, make("h3", { id: "call-title", tabindex: -1 }, data.ids[row]));
    const list = make("dl");
    const facts = { truth: word("truth", row), from: word("caller", row), to: word("callee", row), proxy: did(row), became: word("outcome", row), wrong: word("why", row) };
    for (const [name, text] of Object.entries(facts)) if (text) list.append(make("div", {}, make("dt", {}, name), make("dd", {}, text)));
    article.append(list, make("p", { class: "dim" }, "Its ladder is not in this page: ", make("code", {}, `ringfence ladder RUN ${data.ids[row]}`), " draws it, where its messages were recorded."));
    return article;
  };
  const wire = (root) => {
    for (const arrow of root.querySelectorAll(".arrow")) {
      arrow.addEventListener("click", () => {
        const details = root.querySelector(`details[data-message="${arrow.dataset.message}"]`);
        details.open = true;
        details.querySelector("summary").focus();
      });
    }
    root.querySelector('[data-do="copy"]')?.addEventListener("click", (event) => copy(event.target, root.querySelector(".as-text").textContent));
    root.querySelector('[data-do="svg"]')?.addEventListener("click", () => save(root.querySelector("svg.ladder"), root.querySelector("h3").textContent));
    const ticks = [...root.querySelectorAll('.messages input[type="checkbox"]')];
    for (const tick of ticks) {
      tick.addEventListener("change", () => {
        const chosen = ticks.filter((each) => each.checked);
        if (chosen.length > 2) chosen.find((each) => each !== tick).checked = false;
        compare(root, ticks.filter((each) => each.checked));
      });
    }
  };
  const copy = async (button, text) => {
    const said = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = make("textarea", {}, text);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = said; }, 1500);
  };
  const save = (svg, name) => {
    const copied = svg.cloneNode(true);
    const kept = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "font-family", "opacity"];
    const originals = [svg, ...svg.querySelectorAll("*")];
    [copied, ...copied.querySelectorAll("*")].forEach((element, place) => {
      const style = getComputedStyle(originals[place]);
      for (const property of kept) if (element.tagName !== "title") element.setAttribute(property, style.getPropertyValue(property));
    });
    const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [key, value] of Object.entries({ width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor })) back.setAttribute(key, value);
    copied.insertBefore(back, copied.querySelector("desc").nextSibling);
    const link = make("a", { download: `${name.replace(/[^\w.-]+/g, "_")}.svg` });
    link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copied)], { type: "image/svg+xml" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const compare = (root, ticks) => {
    const place = root.querySelector(".compared");
    if (ticks.length !== 2) { place.replaceChildren(); return; }
    const [left, right] = ticks.map((tick) => tick.parentElement.querySelector("pre").textContent.split("\n"));
    const names = ticks.map((tick) => tick.parentElement.querySelector("summary").textContent.trim());
    const table = make("table", { class: "diff" }, make("thead", {}, make("tr", {}, ...names.map((name) => make("th", { scope: "col" }, name)))));
    const lines = make("tbody");
    for (const [a, b] of aligned(left, right)) {
      const line = make("tr", { class: a === b ? "same" : "differs" });
      line.append(make("td", {}, a ?? ""), make("td", {}, b ?? ""));
      lines.append(line);
    }
    table.append(lines);
    place.replaceChildren(make("h4", {}, "Compared"), make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Two messages side by side" }, table));
  };
  // The longest lines in common; what lies between them is put side by side, headers of one name in one row.
  const aligned = (left, right) => {
    const lengths = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
    for (let i = left.length - 1; i >= 0; i -= 1) {
      for (let j = right.length - 1; j >= 0; j -= 1) {
        lengths[i][j] = left[i] === right[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
      }
    }
    const name = (line) => line.slice(0, Math.max(0, line.indexOf(":"))).toLowerCase();
    const pairs = [];
    let i = 0;
    let j = 0;
    while (i < left.length || j < right.length) {
      if (i < left.length && j < right.length && left[i] === right[j]) pairs.push([left[i++], right[j++]]);
      else if (i < left.length && j < right.length && name(left[i]) === name(right[j])) pairs.push([left[i++], right[j++]]);
      else if (j === right.length || (i < left.length && lengths[i + 1][j] >= lengths[i][j + 1])) pairs.push([left[i++], null]);
      else pairs.push([null, right[j++]]);
    }
    return pairs;
  };

  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") grid.focus();
  });

  const fromAddress = () => {
    const match = /^#call-(\d+)$/.exec(location.hash);
    if (match && Number(match[1]) < count) { choose(Number(match[1]), true); return true; }
    return false;
  };
  addEventListener("hashchange", fromAddress);
  filter();
  if (!fromAddress()) {
    const first = data.ladders.find((row) => data.failed[row] === "1");
    if (first !== undefined) choose(first, false);
  }
})();

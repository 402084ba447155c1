// The words of a page in the language that was chosen, which the browser remembers.

import { keep, kept } from "./memory.js";

const LANGUAGES = ["en", "zh"];
const KEY = "language";
const books = {};
const listeners = [];
let language = "en";

/** Load the words of both languages, so that a change needs no network; `book` names the page's. */
export async function loadWords(book = "words") {
  const loaded = await Promise.all(LANGUAGES.map((each) => fetch(`/static/${book}.${each}.json`).then((got) => got.json())));
  LANGUAGES.forEach((each, place) => { books[each] = loaded[place]; });
  const wanted = remembered() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
  use(wanted);
}

function remembered() {
  const found = kept(KEY);
  return LANGUAGES.includes(found) ? found : null;
}

function use(wanted) {
  language = wanted;
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  document.title = t("title");
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of document.querySelectorAll("[data-t-title]")) node.setAttribute("title", t(node.dataset.tTitle));
}

/** The words of `key`, with `{name}` filled in; the key itself where there are none. */
export function t(key, filled = {}) {
  const words = books[language]?.[key] ?? books.en?.[key];
  if (words === undefined) return key;
  return words.replace(/\{(\w+)\}/g, (_, name) => filled[name] ?? "");
}

/** The words of `key`, or `otherwise` where the book has none. */
export function known(key, otherwise) {
  return books[language]?.[key] ?? otherwise;
}

/** What the server says in several languages, in this one. */
export function told(words) {
  if (words === null || words === undefined) return "";
  return typeof words === "string" ? words : words[language] ?? words.en ?? "";
}

const titles = new Map();

/** Learn what the rules are called. */
export function learnRules(rules) {
  for (const { name, title } of rules) titles.set(name, title);
}

/** The title of a rule; its name where it has none. */
export const ruleTitle = (name) => told(titles.get(name)) || name;

export const languageNow = () => language;

/** Change the language, at once and for the next time. */
export function setLanguage(wanted) {
  if (!LANGUAGES.includes(wanted)) return;
  keep(KEY, wanted);
  use(wanted);
  for (const listener of listeners) listener();
}

export const nextLanguage = () => setLanguage(LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length]);

export const onLanguage = (listener) => listeners.push(listener);

const locale = () => (language === "zh" ? "zh-CN" : "en-GB");

export const count = (number) => Number(number ?? 0).toLocaleString(locale());

export const percent = (share) => new Intl.NumberFormat(locale(), {
  style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1,
}).format(share);

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString(locale(), { hour12: false });

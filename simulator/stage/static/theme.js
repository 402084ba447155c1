// Light or dark: as the system says, until the reader chooses; the browser remembers.

import { keep, kept } from "./memory.js";

const KEY = "theme";
const THEMES = ["light", "dark"];

function use(theme) {
  if (THEMES.includes(theme)) document.documentElement.dataset.theme = theme;
}

/** The other one. */
export function nextTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const now = document.documentElement.dataset.theme ?? dark;
  const next = now === "dark" ? "light" : "dark";
  keep(KEY, next);
  use(next);
}

use(kept(KEY));

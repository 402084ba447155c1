// Light or dark: as the system says, until the reader chooses; the browser remembers.

const KEY = "ringfence.theme";
const THEMES = ["light", "dark"];

function use(theme) {
  if (THEMES.includes(theme)) document.documentElement.dataset.theme = theme;
}

/** The other one. */
export function nextTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const now = document.documentElement.dataset.theme ?? dark;
  const next = now === "dark" ? "light" : "dark";
  localStorage.setItem(KEY, next);
  use(next);
}

use(localStorage.getItem(KEY));

// What a phone remembers in this browser: its made-up apps, and what its owner lets the safety app do.

const DEFAULTS = { installed: null, warns: true, reports: false };
const key = (name) => `ringfence.handset.${name}`;

/** What was kept for the phone of this name. */
export function kept(name) {
  try {
    const found = JSON.parse(localStorage.getItem(key(name))) ?? {};
    const installed = Array.isArray(found.installed) ? found.installed.filter((each) => typeof each === "string") : null;
    return { installed, warns: found.warns !== false, reports: found.reports === true };
  } catch {
    return { ...DEFAULTS };
  }
}

/** Keep it. */
export function keep(name, what) {
  try {
    localStorage.setItem(key(name), JSON.stringify(what));
  } catch {
    // a browser that keeps nothing forgets it at the end of the visit
  }
}

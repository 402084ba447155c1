// What the browser remembers for the next visit; one that keeps nothing forgets it, and all else works.

/** What was kept under a name; null where nothing was. */
export function kept(name) {
  try {
    return localStorage.getItem(`ringfence.${name}`);
  } catch {
    return null;
  }
}

/** Keep a text under a name. */
export function keep(name, text) {
  try {
    localStorage.setItem(`ringfence.${name}`, text);
  } catch {
    // it is forgotten at the end of the visit
  }
}

// Tabs, by pointer and by arrows (WAI-ARIA Authoring Practices, "Tabs").

/** Make a list of tabs work; `changed` is called once another panel is shown. Returns a function that chooses the tab of a
 * panel, and focuses it unless told not to. */
export function tabs(list, changed = () => {}) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const choose = (tab, focus = false) => {
    for (const each of all) {
      const on = each === tab;
      each.setAttribute("aria-selected", String(on));
      each.tabIndex = on ? 0 : -1;
      document.getElementById(each.getAttribute("aria-controls")).hidden = !on;
    }
    if (focus) tab.focus();
  };
  const show = (tab, focus) => {
    choose(tab, focus);
    changed();
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) show(tab);
  });
  list.addEventListener("keydown", (event) => {
    const place = all.indexOf(document.activeElement);
    const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: all.length - 1 }[event.key];
    if (place < 0 || to === undefined) return;
    event.preventDefault();
    show(all[(to + all.length) % all.length], true);
  });
  choose(all[0]);
  return (panel, focus = true) => show(all.find((each) => each.getAttribute("aria-controls") === panel), focus);
}

// The code that leads a handset to the page of a phone, large enough for the last row.

import { get } from "./api.js";
import { el, show } from "./dom.js";
import { t } from "./words.js";

/** Show the code of a subscriber's phone in a dialog. */
export async function showCode(dialog, name) {
  if (name === null || dialog.open) return;
  const share = await get("/api/share");
  const path = encodeURIComponent(name);
  show(dialog,
    el("h2", { id: "code-title" }, t("share.title", { name })),
    el("img", { src: `/api/qr/${path}`, alt: "", width: 480, height: 480 }),
    el("p", { class: "url" }, share?.phones?.[name] ?? `${location.origin}/phone/${path}`),
    share?.shared ? null : el("p", { class: "dim" }, t("share.alone")),
    el("form", { method: "dialog" }, el("button", { class: "first" }, t("close"))));
  dialog.showModal();
}

// What a label on a phone means, for those who do not read its language: presets of a country label calls in its own.

import { languageNow, t } from "./words.js";

const ABROAD = /^境外来电[：:]\s*(.*)$/;
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
let countries = null; // by their Chinese name: the code of ISO 3166

function codeOf(name) {
  if (countries === null) {
    const names = new Intl.DisplayNames("zh-Hans", { type: "region", fallback: "none" });
    const codes = LETTERS.flatMap((first) => LETTERS.map((second) => first + second));
    countries = new Map(codes.flatMap((code) => (names.of(code) ? [[names.of(code), code]] : [])));
  }
  return countries.get(name);
}

/** The label in the language of the page; "" where it is in that already, or is none that is known. */
export function gloss(label) {
  const found = languageNow() === "zh" ? null : ABROAD.exec(label);
  if (!found) return "";
  const code = codeOf(found[1]);
  return code ? t("gloss.from", { country: new Intl.DisplayNames("en", { type: "region" }).of(code) }) : t("gloss.abroad");
}

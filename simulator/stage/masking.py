"""Keeps PINs off the stage, as an audience looks on: a star code is shown as `*354*••••#`. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import unquote

from proxy.numbers.star_codes import mask

_HIDDEN = "••••"
_PASSED_OVER = "-.() \t+"
_DIALLED = re.compile(r"[0-9*#]")  # the beginning of what keys can dial, or a number
_URI = re.compile(r"\b((?:sips?|tel):)([^@;>\s&<\"']+)", re.IGNORECASE)
_SIGNS = ("*", "#", "%")  # of a code, one of which stands in each that is ASCII
_KEY, _BETWEEN = (
    "[*#＊＃﹡﹟]",
    rf"[{re.escape(_PASSED_OVER)}\xa0\u200b-\u200f\u2060\ufeff]*",
)  # the latter are not seen
_BEGIN = r"(?<![\d*#＊＃﹡﹟])"  # no space need be before it
# Codes amid other words: with a key before the service code and before the PIN, with none between these two, or with
# none before the service code. What is bold in chats, *+65 9123 4567*, is none.
_IN_TEXT = re.compile(
    rf"{_BEGIN}{_KEY}+{_BETWEEN}\d(?:{_BETWEEN}\d){{1,2}}(?:{_BETWEEN}{_KEY})+{_BETWEEN}\d(?:{_BETWEEN}(?:\d|{_KEY}))*"
    rf"|{_BEGIN}{_KEY}+(?:{_BETWEEN}\d){{4,}}{_BETWEEN}[#＃﹟]"
    rf"|{_BEGIN}[*＊﹡](?:{_BETWEEN}\d){{6,}}(?!{_BETWEEN}(?:\d|[*＊﹡]))"
    rf"|{_BEGIN}\d+{_BETWEEN}{_KEY}(?:{_BETWEEN}(?:\d|{_KEY})){{0,60}}{_BETWEEN}[#＃﹟]"
)
_KEYS_ALONE = re.compile(rf"(?:\d|{_KEY}|[{re.escape(_PASSED_OVER)}])+")
_PREFORMATTED = re.compile(r"<pre[ >].*?</pre>", re.DOTALL)


def without_pin(dialled: str) -> str:
    """A dialled text as others may see it: of a star code its beginning."""
    plain = unicodedata.normalize("NFKC", dialled).lstrip(_PASSED_OVER)
    if _HIDDEN in dialled or not _DIALLED.match(plain) or (shown := mask(plain)) == plain:
        return dialled
    if shown.endswith("..."):
        return f"{shown[:-3]}{_HIDDEN}"
    return f"{shown[:-1]}*{_HIDDEN}#"


def text_without_pin(text: str) -> str:
    """The words of a text as others may see them: of star codes among them the beginning."""
    if text.isascii() and not any(sign in text for sign in _SIGNS):
        return text
    if _KEYS_ALONE.fullmatch(text.strip()):
        return without_pin(text.strip())
    return _IN_TEXT.sub(lambda found: without_pin(found[0]), text)


def message_without_pin(text: str) -> str:
    """A SIP message as others may see it: of star codes in its URIs the beginning, and of the same codes where they
    stand in it besides, as a name that is shown say; of a text (MESSAGE) those in its words, too."""
    if text.isascii() and not any(sign in text for sign in _SIGNS):
        return text
    codes: dict[str, str] = {}
    text = _without(_in_uris(text, codes), codes)
    if text.startswith("MESSAGE "):
        head, gap, body = text.partition("\r\n\r\n")
        return f"{head}{gap}{text_without_pin(body)}"
    return text


def page_without_pin(page: str, dialled: Iterable[str]) -> str:
    """The page of a run as others may see it, of whose calls these were `dialled`: its messages, and the same codes
    elsewhere but for the script at its end."""
    page, begin, script = page.partition("<script>")  # no text of others has this in it
    page, table, data = page.partition("<script ")
    codes = {each: without_pin(each) for each in dialled}
    lines = [_in_uris(line, codes) for line in page.splitlines(keepends=True)]  # in pieces: other threads have calls
    page = _PREFORMATTED.sub(lambda found: text_without_pin(found[0]), "".join(lines))
    codes |= {escape(code): shown for code, shown in codes.items()}
    return f"{_without(page, codes)}{table}{_without(data, codes)}{begin}{script}"


def _in_uris(text: str, codes: dict[str, str]) -> str:
    """The text with no more than the beginning of the codes in its URIs; `codes` gets these."""

    def shown(found: re.Match[str]) -> str:
        user = unquote(found[2])
        if (beginning := without_pin(user)) == user:
            return found[0]
        codes[found[2]] = codes[user] = beginning
        return f"{found[1]}{beginning.replace('#', '%23')}"

    return _URI.sub(shown, text)


def _without(text: str, codes: Mapping[str, str]) -> str:
    for code in sorted(codes, key=len, reverse=True):  # one may be the beginning of another
        if codes[code] != code:
            text = text.replace(code, codes[code])
    return text

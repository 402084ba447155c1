"""Pseudonyms for telephone numbers and user names, from a key: the same number has the same one everywhere, and in
every run with that key.

A pseudonym has the length of what it stands for, so that messages, records and tables keep their form. A number keeps
its country code; all digits behind it are a permutation that nobody can undo without the key (a Feistel network of
keyed BLAKE2b, RFC 7693), so that no two numbers become one. However a number is written, the digits that it has in
common with other spellings of it (E.164, national, dialled, in a URI, with separators, in base64) become the same.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from json import dumps

_LONGEST = 15  # digits of a number in E.164
SHORTEST = 7  # digits of a number that belongs to somebody; shorter ones are services, and stay
_ROUNDS = 10
_SHORTEST_NAME = 3  # bytes; shorter names identify nobody, and stay
_REMEMBERED = 1 << 16

_NOT_A_NUMBER = rb"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)?|\d{8}T\d{6}Z"  # a moment, the name of a run's folder
_DIGITS = re.compile(
    rb"(?P<other>" + _NOT_A_NUMBER + rb")|(?P<uri>sips?:|tel:)?(?P<plus>\+|%2[Bb])?(?P<run>\d(?:[-.() ]{0,2}\d){6,})"
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_WORD = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_PART = re.compile(rb"[A-Za-z0-9]+")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_RESPONSE = re.compile(rb'(\bresponse=")([0-9a-fA-F]+)')
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_ESCAPE = re.compile(rb"(\\u[0-9a-fA-F]{4}|\\.)")

# Country codes (ITU-T E.164) of two digits; those of zones 1 and 7 have one, all others three.
_IN_A_ROW = ((30, 35), (43, 50), (51, 59), (60, 67), (90, 96))
_TWO = {20, 27, 36, 39, 40, 41, 81, 82, 84, 86, 98}.union(*(range(*each) for each in _IN_A_ROW))


def split(e164: str) -> tuple[str, str]:
    """The country code and the rest of a number in E.164, given without its plus."""
    size = 1 if e164[0] in "17" else 2 if int(e164[:2]) in _TWO else 3
    return e164[:size], e164[size:]


class Pseudonyms:
    """Puts pseudonyms in the place of `numbers` (E.164 with plus, or digits as somebody dials at home, in the country
    of this `code`) and `names`, and of whatever else is surely a number.

    `words` are those that formats need: a name that is one of them stays.
    """

    def __init__(
        self, key: str, code: str, numbers: Iterable[str], names: Iterable[str] = (), words: Iterable[str] = ()
    ) -> None:
        self._key = blake2b(key.encode(), digest_size=32).digest()
        self._code = code
        self._spelled: dict[bytes, bytes] = {}
        self._names: dict[bytes, bytes] = {}
        for number in sorted(set(numbers)):
            self._learn(number)
        self._lengths = sorted({len(each) for each in self._spelled}, reverse=True)
        self._name_all(set(names) - set(words))
        odd = [name for name in self._names if not _PLAIN_NAME.fullmatch(name.decode())]
        self._odd = {name: self._names[name] for name in odd}
        self._odd_in_json = {dumps(name.decode())[1:-1].encode(): self._names[name] for name in odd}
        self._in_line = lru_cache(_REMEMBERED)(self._line_mapped)  # the messages of a call have most lines in common
        self._in_digits = lru_cache(_REMEMBERED)(self._digits_mapped)
        self._in_word = lru_cache(_REMEMBERED)(self._word_mapped)

    @property
    def fingerprint(self) -> str:
        """Tells runs of the same key from others."""
        return self._hash("fingerprint", "").hex()[:8]

    def text(self, text: str) -> str:
        """A text with pseudonyms."""
        return self.plain(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def plain(self, data: bytes) -> bytes:
        """Bytes with pseudonyms in their place: a message, YAML, CSV."""
        return b"\n".join(map(self._in_line, data.split(b"\n")))

    def _line_mapped(self, data: bytes) -> bytes:
        data = _RESPONSE.sub(lambda match: match[1] + b"0" * len(match[2]), data)  # one could try numbers against it
        data = _BASE64.sub(self._decoded, data)
        data = _DIGITS.sub(self._number, data)
        for name, pseudonym in self._odd.items():
            data = data.replace(name, pseudonym)
        return _WORD.sub(lambda match: self._in_word(match[0]), data) if self._names else data

    def json(self, data: bytes) -> bytes:
        """The same for JSON: in its texts, and not in its numbers, which are times and counts."""
        for name, pseudonym in self._odd_in_json.items():
            data = data.replace(name, pseudonym)
        return _STRING.sub(lambda match: b"".join(self._pieces(match[0])), data)

    def _pieces(self, text: bytes) -> Iterator[bytes]:
        for place, piece in enumerate(_ESCAPE.split(text)):
            yield piece if place % 2 or len(piece) < _SHORTEST_NAME else self.plain(piece)

    def number(self, code: str, rest: str) -> str:
        """The pseudonym of what follows the country code of a number."""
        first = rest[:1] == "0"
        mapped = self._permuted(code, rest)
        while (mapped[:1] == "0") is not first:  # stays among numbers that begin alike
            mapped = self._permuted(code, mapped)
        return mapped

    def _permuted(self, code: str, digits: str) -> str:
        half = len(digits) // 2
        left, right = digits[:half], digits[half:]
        for step in range(_ROUNDS):
            said = int.from_bytes(self._hash(f"{code}/{len(digits)}/{step}", right), "big")
            left, right = right, f"{(int(left or '0') + said) % 10 ** len(left):0{len(left)}}" if left else ""
        return left + right

    def _hash(self, what: str, of: str) -> bytes:
        return blake2b(f"{what}\n{of}".encode(), digest_size=16, key=self._key).digest()

    def _learn(self, number: str) -> None:
        digits = number.removeprefix("+")
        if len(digits) < SHORTEST or not digits.isascii() or not digits.isdigit():
            return
        if number == digits:
            self._spelled.setdefault(digits.encode(), self.number(self._code, digits).encode())
            return
        code, rest = split(digits)
        mapped = self.number(code, rest)
        self._spelled[digits.encode()] = (code + mapped).encode()
        if len(rest) >= SHORTEST and (code == self._code or rest.encode() not in self._spelled):
            self._spelled[rest.encode()] = mapped.encode()

    def _number(self, match: re.Match[bytes]) -> bytes:
        if match["other"] is not None:
            return match[0]
        run = match["run"]
        digits = re.sub(rb"\D", b"", run)
        first = next(place for place, each in enumerate(run + b" ") if not 48 <= each <= 57)  # digits in one piece
        together = first if first >= SHORTEST else len(digits)
        if match["plus"] is not None and together <= _LONGEST:
            code, subscriber = split(digits[:together].decode())
            rest_mapped = self._in_digits(digits[together:], False)
            mapped = (code + self.number(code, subscriber)).encode() + rest_mapped
        else:
            mapped = self._in_digits(digits, match["uri"] is not None and digits == run)
        if mapped == digits:
            return match[0]
        rest = iter(mapped)
        filled = bytes(next(rest) if 48 <= each <= 57 else each for each in run)
        return (match["uri"] or b"") + (match["plus"] or b"") + filled

    def _digits_mapped(self, digits: bytes, is_user: bool) -> bytes:
        """Digits with every known number among them replaced; unknown ones only where they are surely a number."""
        found, begin = [], 0
        while begin < len(digits):
            size = next((size for size in self._lengths if digits[begin : begin + size] in self._spelled), 0)
            found.append(self._spelled[digits[begin : begin + size]] if size else digits[begin : begin + 1])
            begin += size or 1
        mapped = b"".join(found)
        if mapped == digits and is_user:
            return self.number(self._code, digits.decode()).encode()
        return mapped

    def _decoded(self, match: re.Match[bytes]) -> bytes:
        token = match[0]
        bare = token.rstrip(b"=")
        alphabet = b"-_" if b"-" in bare or b"_" in bare else b"+/"
        try:
            said = base64.b64decode(bare + b"=" * (-len(bare) % 4), alphabet, validate=True)
        except (binascii.Error, ValueError):
            return token
        mapped = _DIGITS.sub(self._number, said)
        if self._names:
            mapped = _WORD.sub(lambda match: self._in_word(match[0]), mapped)
        return token if mapped == said else base64.b64encode(mapped, alphabet)[: len(bare)] + token[len(bare) :]

    def _name_all(self, names: Iterable[str]) -> None:
        taken: set[str] = set()
        for name in sorted(names):
            if len(name.encode()) < _SHORTEST_NAME or not any(map(str.isalpha, name)):
                continue
            size, again = len(name.encode()), 0
            while (pseudonym := self._letters(name, again, size)) in taken:
                again += 1
            taken.add(pseudonym)
            self._names[name.encode()] = pseudonym.encode()

    def _letters(self, name: str, again: int, size: int) -> str:
        found = ""
        while len(found) < size:
            found += "".join(chr(97 + each % 26) for each in self._hash(f"name/{again}/{len(found)}", name))
        return found[:size]

    def _word_mapped(self, word: bytes) -> bytes:
        """A word with the names in it replaced: the whole of it, or parts between separators, the longest first."""
        if word in self._names:
            return self._names[word]
        parts = list(_PART.finditer(word))
        found, end, place = [], 0, 0
        while place < len(parts):
            for last in range(len(parts) - 1, place - 1, -1):
                name = word[parts[place].start() : parts[last].end()]
                if name in self._names:
                    found += [word[end : parts[place].start()], self._names[name]]
                    end, place = parts[last].end(), last
                    break
            place += 1
        return b"".join((*found, word[end:]))

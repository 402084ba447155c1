"""`-k EXPR`: names joined by `and`, `or`, `not` and brackets, as pytest reads them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Matcher = Callable[[str], bool]

_TOKEN = re.compile(r"\s*(?:(?P<bracket>[()])|(?P<word>[^\s()]+))")


def compile_expression(text: str) -> Matcher:
    """A function that says whether a name matches `text`; a word matches anywhere in the name, in any case.

    Raises ValueError that says what is wrong with the expression.
    """
    tokens = [match["bracket"] or match["word"] for match in _TOKEN.finditer(text.rstrip())]
    if not tokens:
        raise ValueError("the expression is empty")
    parser = _Parser(iter(tokens))
    matcher = parser.alternatives()
    if parser.token is not None:
        raise ValueError(f"unexpected {parser.token!r}; join names with and, or, not")
    return matcher


class _Parser:
    """Recursive descent over or < and < not < name."""

    def __init__(self, tokens: Iterator[str]) -> None:
        self._tokens = tokens
        self.token = next(tokens, None)

    def _advance(self) -> None:
        self.token = next(self._tokens, None)

    def alternatives(self) -> Matcher:
        options = [self._conjunction()]
        while self.token == "or":
            self._advance()
            options.append(self._conjunction())
        return lambda name: any(option(name) for option in options)

    def _conjunction(self) -> Matcher:
        conditions = [self._negation()]
        while self.token == "and":
            self._advance()
            conditions.append(self._negation())
        return lambda name: all(condition(name) for condition in conditions)

    def _negation(self) -> Matcher:
        if self.token == "not":
            self._advance()
            inner = self._negation()
            return lambda name: not inner(name)
        return self._name()

    def _name(self) -> Matcher:
        word = self.token
        if word is None or word in {"and", "or", ")"}:
            raise ValueError(f"expected a name, found {word or 'the end'}")
        self._advance()
        if word == "(":
            inner = self.alternatives()
            if self.token != ")":
                raise ValueError("a bracket is not closed")
            self._advance()
            return inner
        wanted = word.lower()
        return lambda name: wanted in name.lower()

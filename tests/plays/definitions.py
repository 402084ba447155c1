"""The definitions of a source, for tests of how sources are written."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def definitions(source: str) -> Iterator[Definition]:
    """The module, and each class and function in it. Expressions, in which there are none, are not looked through."""
    left: list[ast.AST] = [ast.parse(source)]
    while left:
        node = left.pop()
        if isinstance(node, Definition):
            yield node
        inside = (*getattr(node, "body", ()), *getattr(node, "orelse", ()), *getattr(node, "finalbody", ()))
        left += (*inside, *getattr(node, "handlers", ()), *getattr(node, "cases", ()))

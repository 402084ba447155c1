"""Sources are read with ease: a docstring begins with a verb, or with the noun that names the thing, not like a
question or a riddle; modules have 400 lines at most and classes 250, as a reader holds one of them in mind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.plays import ROOT

PACKAGES = ("proxy", "simulator", "tests")
MODULE, CLASS = 400, 250  # lines
QUESTIONS = frozenset((
    "who", "whom", "whose", "whoever", "what", "whatever", "where", "wherever", "whether", "when", "whenever", "how",
    "which", "whichever", "why", "that",
))  # fmt: skip


@dataclass(frozen=True)
class Definition:
    """A module (whose name is empty), class or function: where its body begins, its length and its docstring."""

    kind: str
    name: str
    line: int
    lines: int
    docstring: str


def definitions(source: str) -> Iterator[Definition]:
    """The module, and each class and function in it. Expressions, in which there are none, are not looked through."""
    left: list[ast.AST] = [ast.parse(source)]
    while left:
        node = left.pop()
        if isinstance(node, ast.Module):
            yield Definition("module", "", 1, len(source.splitlines()), ast.get_docstring(node) or "")
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            lines = (node.end_lineno or 0) - node.lineno + 1
            yield Definition(kind, node.name, node.body[0].lineno, lines, ast.get_docstring(node) or "")
        inside = (*getattr(node, "body", ()), *getattr(node, "orelse", ()), *getattr(node, "finalbody", ()))
        left += (*inside, *getattr(node, "handlers", ()), *getattr(node, "cases", ()))


@cache  # two tests look at each package
def sources(package: str) -> dict[str, list[Definition]]:
    """The definitions in each file of a package."""
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    return {str(file.relative_to(ROOT)): list(definitions(file.read_text())) for file in files}


def is_question(docstring: str) -> bool:
    return bool(docstring) and docstring.split(maxsplit=1)[0].strip(",:;").lower() in QUESTIONS


def too_long(file: str | Path, found: list[Definition], module: int = MODULE, of_class: int = CLASS) -> Iterator[str]:
    """The module where it has too many lines, and each class in it that has."""
    for each in found:
        if each.kind == "module" and each.lines > module:
            yield f"{file}: {each.lines} lines"
        elif each.kind == "class" and each.lines > of_class:
            yield f"{file}: class {each.name} has {each.lines} lines"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_docstring_begins_like_a_question(package: str) -> None:
    found = [
        f"{file}:{each.line}: {each.docstring.partition(chr(10))[0]}"
        for file, all_of_it in sources(package).items()
        for each in all_of_it
        if is_question(each.docstring)
    ]
    assert not found, "\n".join(found)


def test_every_test_module_says_what_it_shows() -> None:
    assert [file for file, (module, *_) in sources("tests").items() if not module.docstring] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_and_classes_can_be_held_in_mind(package: str) -> None:
    assert not (found := [text for file, inside in sources(package).items() for text in too_long(file, inside)]), found


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Where it is bound.", True),
        ("What: a thing.", True),
        ("How many there are.", True),
        ("That of the callee.", True),
        ("The address.", False),
        ("Tell where it is.", False),
    ],
)
def test_questions_are_told_from_statements(text: str, is_one: bool) -> None:
    found = list(definitions(f'if True:\n    def f():\n        """{text}"""\n'))
    assert [(each.name, is_question(each.docstring)) for each in found] == [("", False), ("f", is_one)]


def test_long_modules_and_classes_are_found() -> None:
    found = list(definitions("class Long:\n" + "    x = 1\n" * 3))
    assert list(too_long("long.py", found, 4, 4)) == []
    assert list(too_long("long.py", found, 3, 3)) == ["long.py: 4 lines", "long.py: class Long has 4 lines"]

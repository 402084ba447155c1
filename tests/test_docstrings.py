"""A docstring begins with a verb, or with the noun that names the thing: not like a question or a riddle."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.plays import ROOT
from tests.plays.definitions import definitions

QUESTIONS = frozenset((
    "who", "whom", "whose", "whoever", "what", "whatever", "where", "wherever", "whether", "when", "whenever", "how",
    "which", "whichever", "why", "that",
))  # fmt: skip


def questions(source: str) -> Iterator[tuple[int, str]]:
    """The docstrings that begin like a question, each with its line."""
    for node in definitions(source):
        text = (ast.get_docstring(node) or "").partition("\n")[0]
        if text.split(maxsplit=1)[:1] and text.split(maxsplit=1)[0].strip(",:;").lower() in QUESTIONS:
            yield node.body[0].lineno, text


@pytest.mark.parametrize("package", ["proxy", "simulator", "tests"])
def test_no_docstring_begins_like_a_question(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    found = [f"{file.relative_to(ROOT)}:{line}: {text}" for file in files for line, text in questions(file.read_text())]
    assert files
    assert not found, "\n".join(found)


def test_every_test_module_says_what_it_shows() -> None:
    files = [file for file in (ROOT / "tests").rglob("*.py") if "__pycache__" not in file.parts]
    assert [str(file.relative_to(ROOT)) for file in files if not ast.get_docstring(ast.parse(file.read_text()))] == []


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
    assert bool(list(questions(f'def f():\n    """{text}"""\n'))) is is_one

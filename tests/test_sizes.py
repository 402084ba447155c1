"""Modules have 400 lines at most, and classes 250: a reader holds one of them in mind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plays import ROOT
from tests.plays.definitions import definitions

MODULE, CLASS = 400, 250  # lines


def too_long(path: Path, module: int = MODULE, of_class: int = CLASS) -> Iterator[str]:
    """The module where it has too many lines, and each class in it that has."""
    source = path.read_text()
    if (lines := len(source.splitlines())) > module:
        yield f"{path}: {lines} lines"
    for node in definitions(source):
        if isinstance(node, ast.ClassDef) and (lines := (node.end_lineno or 0) - node.lineno + 1) > of_class:
            yield f"{path}: class {node.name} has {lines} lines"


@pytest.mark.parametrize("package", ["proxy", "simulator", "tests"])
def test_modules_and_classes_can_be_held_in_mind(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    assert not (found := [text for file in files for text in too_long(file)]), "\n".join(found)


def test_long_modules_and_classes_are_found(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("class Long:\n" + "    x = 1\n" * 3)
    assert list(too_long(path, 4, 4)) == []
    assert list(too_long(path, 3, 3)) == [f"{path}: 4 lines", f"{path}: class Long has 4 lines"]

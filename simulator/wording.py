"""The wording of numbers of things, and of what has to be installed."""

from __future__ import annotations

from typing import Literal

Extra = Literal["phones", "data", "cluster"]  # of pyproject.toml


def counted(count: int, one: str, many: str = "") -> str:
    """`1 call`, `2 calls`; `many` where it is not `one` with an s."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def install(extra: Extra) -> str:
    """The command that installs what a part of Ringfence needs besides."""
    return f"pip install 'ringfence[{extra}]'"


def takes(what: str, package: str, extra: Extra) -> str:
    """Say that something needs a package that is not there, and the command that installs it."""
    return f"{what} takes {package}: {install(extra)}"

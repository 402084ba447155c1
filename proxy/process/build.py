"""The build that runs: the core compiled by mypyc, or as it is written."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal


def build() -> Literal["compiled", "pure"]:
    """Look at what Python would import; this imports nothing of it."""
    spec = find_spec("proxy.core.proxy_core")
    return "pure" if spec is None or (spec.origin or "").endswith(".py") else "compiled"

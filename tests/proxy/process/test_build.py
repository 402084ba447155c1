"""The build that is tested: all of the core compiled, or nothing, and never beside its sources."""

from __future__ import annotations

import tomllib
from importlib.util import find_spec

from proxy.process.build import build
from tests.plays import ROOT

_HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"][
    "custom"
]


def to_be_compiled() -> list[str]:
    """The modules that the build hook compiles, by their names."""
    found = {path for name in _HOOK["compiled"] for path in (ROOT / name).glob("**/*.py")}
    found |= {ROOT / name for name in _HOOK["compiled"] if name.endswith(".py")}
    found -= {ROOT / name for name in _HOOK["interpreted"]}
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found if path.name != "__init__.py"
    )


def test_every_module_of_the_core_is_of_the_build_that_runs() -> None:
    places = {module: spec and spec.origin for module in to_be_compiled() for spec in [find_spec(module)]}
    assert len(places) > 90
    others = {
        module: place
        for module, place in places.items()
        if not place or place.endswith(".py") is not (build() == "pure")
    }
    assert others == {}


def test_every_exception_from_compiling_is_there() -> None:
    assert [name for name in _HOOK["interpreted"] if not (ROOT / name).is_file()] == []


def test_nothing_compiled_hides_a_source() -> None:
    assert [*(ROOT / "proxy").glob("**/*.so"), *(ROOT / "simulator").glob("**/*.so"), *ROOT.glob("*.so")] == []

"""How the tests run side by side (pytest-xdist): what belongs together goes to one worker, what takes long comes first.

A test module is one piece of work, to be done by one worker, unless its tests wait for real peers: these wait each by
itself. What shares a softswitch or a standing lab is marked `xdist_group`, or has the fixture `lab`.
"""

from __future__ import annotations

import gc

import pytest

_DOCKER_WITHIN = 600  # seconds for a test with Docker: the first one builds the images
_FIRST = ("docker", "phones", "peers")  # the markers of what takes longest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its group, and put the longest ones first."""
    for item in items:
        if item.get_closest_marker("docker") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_DOCKER_WITHIN))
        if not item.get_closest_marker("xdist_group") and (group := _group(item)):
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=_rank)


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of later garbage collections: every proxy that starts makes one."""
    gc.collect()
    gc.freeze()


def _group(item: pytest.Item) -> str | None:
    """The name of what the test belongs to; None where it stands alone."""
    module = item.nodeid.partition("::")[0]
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    if "lab" in parameters:
        return f"{module}-{parameters['lab']}"
    return None if any(item.get_closest_marker(each) for each in _FIRST) else module


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, each in enumerate(_FIRST) if item.get_closest_marker(each)), len(_FIRST))

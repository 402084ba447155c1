"""The Docker engine that Asterisk runs on: `make test` starts one where it may."""

from __future__ import annotations

import os

import pytest

from simulator.errors import LabError
from simulator.softswitch.asterisk import softswitch as asterisk


def need_an_engine() -> None:
    """Skip where there is none, with the reason and the remedy; in CI a missing engine is a failure."""
    try:
        asterisk.connect().close()
    except LabError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))

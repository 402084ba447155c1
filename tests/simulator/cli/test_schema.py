"""`ringfence schema`."""

from __future__ import annotations

import json

import pytest

from simulator.__main__ import main
from simulator.report.files import SCHEMAS

pytestmark = pytest.mark.usefixtures("runs_beside_others")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_format_has_a_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out).keys() & {"properties", "anyOf", "oneOf", "additionalProperties"}

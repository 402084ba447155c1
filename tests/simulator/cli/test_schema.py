"""`ringfence schema`."""

from __future__ import annotations

import json

import pytest

from simulator.__main__ import main

pytestmark = pytest.mark.usefixtures("runs_beside_others")


@pytest.mark.parametrize("name", ["scenario", "config", "subscribers", "reputation"])
def test_every_format_has_a_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]

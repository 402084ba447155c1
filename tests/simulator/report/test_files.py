"""Schemas of file formats, for editors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from simulator.report import formats
from simulator.report.files import SCHEMAS
from simulator.scenario.model import Scenario
from tests.plays.held import held, is_schema, schema, takes
from tests.plays.scenario_files import SHIPPED


def test_the_schema_tells_editors_the_keys_and_how_values_are_written() -> None:
    described = Scenario.model_json_schema()
    assert described["required"] == ["scenario"]
    assert described["anyOf"] == [
        {"required": ["subscribers", "calls"]},
        {"required": ["mix"]},
        {"required": ["records"]},
    ]
    call = described["$defs"]["Calls"]
    assert call["additionalProperties"] is False
    assert set(call["properties"]) >= {"campaign", "call", "trunk", "from", "to", "truth", "expect"}
    assert call["properties"]["rate"]["type"] == "string"


def _with_defaults(node: Any) -> Iterator[dict[str, Any]]:
    """The parts of a schema that name a default."""
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _with_defaults(part)
    if isinstance(node, dict) and "default" in node:
        yield node


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_defaults_that_a_schema_tells_may_be_written(name: str) -> None:
    assert is_schema(schema(name))
    parts = list(_with_defaults(schema(name)))
    assert parts or name in formats.FORMATS  # files that only Ringfence writes have none
    for part in parts:
        assert takes({**part, "$defs": schema(name)["$defs"]}, part["default"]), part


def test_the_schema_takes_every_scenario_that_is_shipped() -> None:
    shipped = (yaml.load(path.read_text(), yaml.CSafeLoader) for path in SHIPPED.glob("*.yaml"))
    assert held("scenario", shipped) > 10

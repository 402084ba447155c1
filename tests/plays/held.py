"""Values held against the schemas of Ringfence's formats: `tests/simulator/report/test_files.py` holds the schemas
themselves against JSON Schema's own."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from simulator.report.files import SCHEMAS


@cache  # of a schema, to make which takes longer than to hold a hundred lines against it
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name]())


def held(name: str, values: Iterable[Any]) -> int:
    """Hold values against a schema; returns how many there were."""
    count = 0
    for value in values:
        wrong = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator(name).iter_errors(value)]
        assert not wrong, (name, value, wrong)
        count += 1
    return count

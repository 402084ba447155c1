"""Values held against the schemas of Ringfence's formats, and these against JSON Schema's own. The only import of
jsonschema-rs: a check in Python of all the schemas took 0.3 s."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator, meta

from simulator.report.files import SCHEMAS


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema of a format."""
    return SCHEMAS[name]()


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name))


def held(name: str, values: Iterable[Any]) -> int:
    """Hold values against the schema of a format; returns how many there were."""
    count = 0
    for value in values:
        wrong = [
            f"{'/'.join(map(str, error.instance_path))}: {error.message}"
            for error in validator(name).iter_errors(value)
        ]
        assert not wrong, (name, value, wrong)
        count += 1
    return count


def is_schema(written: dict[str, Any]) -> bool:
    """True for what JSON Schema (draft 2020-12) calls a schema."""
    return bool(meta.is_valid(written))


def takes(written: dict[str, Any], value: Any) -> bool:
    """True where a schema takes a value."""
    return Draft202012Validator(written).is_valid(value)

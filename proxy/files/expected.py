"""The value that was expected, in words, for each kind of error that pydantic has."""

from __future__ import annotations

from typing import Any

_EXPECTED = {
    "bool_parsing": "on or off",
    "bool_type": "on or off",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of at most 4,300 digits",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "dataclass_type": "a mapping (key: value)",
    "path_type": "a path",
}
_EXPECTED_WITH = {
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text that fits {pattern}",
}


def expected_by(details: Any) -> str:
    """The expected value, in words, for one entry of `ValidationError.errors()`."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind in _EXPECTED_WITH:
        return _EXPECTED_WITH[kind].format_map(context).replace("'", '"')
    return _EXPECTED.get(kind, str(details["msg"]))

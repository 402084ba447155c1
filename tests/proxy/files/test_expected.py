"""The words for what a file should have had, ours rather than pydantic's."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from proxy.files.expected import expected_by


@pytest.mark.parametrize(
    ("model", "value", "words"),
    [
        (bool, "perhaps", "on or off"),
        (Annotated[int, Field(ge=1)], 0, "at least 1"),
        (Annotated[str, Field(max_length=2)], "abc", "at most 2 characters"),
        (Annotated[str, Field(pattern="^[0-9x*#]{1,8}$")], "*8x!", "text that fits ^[0-9x*#]{1,8}$"),
    ],
)
def test_what_was_expected_is_said_in_words(model: Any, value: object, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(model).validate_python(value)
    assert [expected_by(dict(each)) for each in refused.value.errors()] == [words]

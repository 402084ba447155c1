"""Values of a scenario's fields that say what was expected where they are none."""

from __future__ import annotations

import pytest

from simulator.scenario.fields import header_check


@pytest.mark.parametrize("text", ["Reason", "Reason:", ": x", "Re ason: x"])
def test_what_no_line_can_ever_match_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a header and a pattern"):
        header_check(text)

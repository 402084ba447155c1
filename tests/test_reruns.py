"""A run says of each test that was run again where and why it had failed."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from tests.plays.reruns import told


def failed(longrepr: object) -> str:
    return told(SimpleNamespace(nodeid="tests/test_x.py::test_x", longrepr=longrepr))


def test_it_names_the_place_also_outside_the_tests_own_file_and_all_lines_of_the_reason() -> None:
    with pytest.raises(AssertionError) as caught:
        assert json.loads("[1]") == [1, 2], "\nnot so:\n  later"
    line = failed(caught.getrepr())
    assert line.startswith(
        "RERUN tests/test_x.py::test_x - tests/test_reruns.py:19: AssertionError: not so: later assert"
    )
    with pytest.raises(ValueError, match="Expecting value") as caught_elsewhere:
        json.loads("")
    assert " - decoder.py:" in failed(caught_elsewhere.getrepr())


def test_a_report_in_words_of_its_own_is_cut_at_its_beginning() -> None:
    line = failed("first\n" * 200 + "the last\nline")
    assert line.endswith("first first the last line")
    assert len(line) < 400

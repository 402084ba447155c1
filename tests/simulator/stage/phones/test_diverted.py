"""Recordings of a mailbox and a honeypot can be heard on the stage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plays.diverted import CALLS, SCENARIO, placed, recorded
from tests.plays.stage import StagePlay, standing_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    with standing_stage(tmp_path_factory.mktemp("stage"), SCENARIO) as play:
        yield play


@pytest.fixture(scope="module")
def calls(stage: StagePlay) -> dict[str, str]:
    return placed(stage)


@pytest.mark.parametrize("service", CALLS)
def test_a_diverted_call_is_recorded(stage: StagePlay, calls: dict[str, str], service: str) -> None:
    recorded(stage, service, calls[service])

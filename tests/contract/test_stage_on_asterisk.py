"""The stage with Asterisk behind the fence: each lesson is seen as it should be, and detours are recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.stage.chosen import DEFAULT
from tests.plays import diverted
from tests.plays.docker_engine import need_an_engine
from tests.plays.stage import StagePlay, standing_stage
from tests.plays.taught import LESSONS, play_to_the_end

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    need_an_engine()
    source: Path = request.param
    with standing_stage(tmp_path_factory.mktemp("stage"), source, switch="docker") as play:
        yield play


@pytest.mark.parametrize("stage", [DEFAULT], indirect=True, ids=["default"])
@pytest.mark.parametrize("name", LESSONS)
def test_each_step_of_a_shipped_lesson_is_seen_as_it_should_be(stage: StagePlay, name: str) -> None:
    play_to_the_end(stage, name)


@pytest.mark.parametrize("stage", [diverted.SCENARIO], indirect=True, ids=["detours"])
def test_a_diverted_call_is_recorded(stage: StagePlay) -> None:
    for service, call in diverted.placed(stage).items():
        diverted.recorded(stage, service, call)

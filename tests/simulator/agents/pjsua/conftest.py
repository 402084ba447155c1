"""Fixtures of the tests of real phones."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from simulator.agents.pjsua.phones import PhonePool


@pytest.fixture
async def pool() -> AsyncIterator[PhonePool]:
    async with PhonePool() as phones:
        yield phones

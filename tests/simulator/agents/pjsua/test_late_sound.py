"""Sound that reaches a real phone late is heard all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulator.agents.pjsua.phones import PhonePool
from simulator.media.g711 import RATE, encode
from simulator.media.recognition import heard, tone
from tests.plays.contract_lab import until
from tests.plays.talker import Talker

pytestmark = pytest.mark.phones

LATE_S = 3.0


async def test_what_comes_in_one_burst_is_heard(pool: PhonePool, tmp_path: Path) -> None:
    """A machine that stands still for three seconds has 150 packets ready when it goes on."""
    phone = await pool.phone("+15550100", bind="127.0.0.1")
    recording = tmp_path / "heard.wav"

    def recorded() -> float:
        return recording.stat().st_size / 2 / RATE if recording.exists() else 0.0

    async with Talker(("127.0.0.1", 9), tmp_path, "talker", 440) as talker:
        call = await phone.call(talker.uri, record=recording)
        await talker.sees("ACK")
        await until(lambda: recorded() > 0.3)
        talker.burst(encode((tone(1000, LATE_S) * 32767).astype(np.int16), "PCMU"))
        begun = recorded()
        await until(lambda: recorded() > begun + LATE_S + 1.0)
        await call.hang_up()
        await call.wait("ended")
    assert heard(recording, 1000) > LATE_S / 2  # PJSIP leaves out a packet now and then to catch up

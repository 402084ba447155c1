"""Questions to remote sources over HTTP: what is made of the time that a source wants to be left alone."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from proxy.policy.remote import Lookup, Opinion, RemoteSource
from proxy.process.asking import Asker
from tests.plays.reputation_source import ReputationSource, reply


@pytest.fixture
def source() -> Iterator[ReputationSource]:
    with ReputationSource() as running:
        yield running


async def asked(source: ReputationSource, retry_after: str) -> Opinion:
    source.says = reply(b"", "503 Service Unavailable", f"Retry-After: {retry_after}")
    asker = Asker()
    try:
        return await asker.ask(Lookup(RemoteSource("desk", source.url, timeout=20), "+6591234567"))
    finally:
        await asker.close()


@pytest.mark.parametrize(
    "said",
    ["Mon, 01 Jan 2027 00:00:00 +9999999999999999", "1 Jan 99999999999999999999 00:00:00 GMT", "9" * 5000 + "x", "١٢٠"],
)
async def test_a_time_that_nobody_can_read_is_a_failure_like_any_other(source: ReputationSource, said: str) -> None:
    assert await asked(source, said) == Opinion(failure="HTTP 503")


async def test_a_date_without_a_zone_is_in_utc_wherever_the_proxy_stands(
    source: ReputationSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = time.time() + 1000
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        opinion = await asked(source, time.asctime(time.gmtime(at)))  # RFC 9110 5.6.7: as old servers write it
    finally:
        monkeypatch.undo()
        time.tzset()
    assert 0 < opinion.leave_alone <= 1000

"""The bench itself, in a few seconds: so that it still works when it is wanted. Nothing here is about speed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import harness, split
from tests.bench.beside_sipp import beside_sipp
from tests.bench.campaign import Campaign, Load
from tests.bench.figures import Figure, Figures
from tests.bench.systems import DIRECT, KAMAILIO, KAMAILIO_ALONE, KAMAILIO_FAST, PURE, System


@pytest.mark.peers
@pytest.mark.parametrize(
    "system", [PURE, KAMAILIO, KAMAILIO_ALONE, KAMAILIO_FAST, DIRECT], ids=lambda system: system.name
)
def test_every_system_plays_the_calls_of_a_round(system: System) -> None:
    campaign = Campaign(show=lambda _: None)
    (played,) = campaign.rounds(Load("a few calls", 50, 0.5, 1, (system,)))
    assert (played.calls, played.failed) == (25, 0)
    assert 0 < played.ring_p50 <= played.ring_p99
    assert played.ring_p50 <= played.setup_p50 <= played.setup_p99
    assert (played.resident_kib > 0) == (system is not DIRECT)


@pytest.mark.peers
def test_generators_and_sipp_call_through_one_proxy() -> None:
    both = beside_sipp(30, 1.0)
    assert (both.our_calls, both.their_calls, both.failed) == (30, 30, 0)
    assert 0 < both.ours[0] <= both.ours[1]
    assert 0 < both.theirs[0] <= both.theirs[1]


@pytest.mark.peers
def test_a_round_may_be_watched() -> None:
    try:
        found = split.split(PURE, 50, 1)
    except split.Unavailable as error:
        pytest.skip(f"py-spy may not look into other processes here: {error}")
    assert set(found) == set(split.PARTS)


def a_round(system: str, cpu: float, *, failed: int = 0, achieved: float = 100.0) -> harness.Round:
    return harness.Round(
        system, 100, achieved, 200, failed, 0, cpu, cpu / 4, 1.0, 2.0, 1.5, 2.5, 100.0, 100.0, resident_kib=1
    )


def campaign_of(*rounds: harness.Round) -> tuple[Campaign, Load]:
    load = Load("100 calls/s", 100, 2, 1, (PURE, DIRECT))
    return Campaign(played={load: list(rounds)}), load


def test_figures_are_ratios_of_medians() -> None:
    costs = [("pure", 90.0), ("direct", 100.0), ("pure", 500.0), ("direct", 200.0), ("pure", 100.0), ("direct", 300.0)]
    campaign, load = campaign_of(*(a_round(*cost) for cost in costs))
    assert campaign.ratio(load, "pure", "direct", "cpu_per_call") == 0.5


def test_a_failed_call_and_a_generator_that_lagged_make_rounds_worthless() -> None:
    campaign, load = campaign_of(a_round("pure", 1.0), a_round("direct", 1.0))
    assert not campaign.faults(load, "pure", "direct")
    campaign, load = campaign_of(a_round("pure", 1.0, failed=1), a_round("direct", 1.0, achieved=94.0))
    assert campaign.faults(load, "direct") == ["direct: 0 calls failed, 94 of 100 calls/s"]
    assert campaign.faults(load, "pure", "direct") == [
        "pure: 1 calls failed, 100 of 100 calls/s",
        "direct: 0 calls failed, 94 of 100 calls/s",
    ]


def test_the_table_shows_each_figure_beside_its_target(tmp_path: Path) -> None:
    figures = Figures()
    assert figures.add(Figure("CPU", "compiled", 0.7, 0.7))
    assert not figures.add(Figure("CPU", "pure", 0.96, 0.95))
    assert not figures.add(Figure("decisions", "pure", 59_999, 60_000, "a second", rises=True))
    assert figures.add(Figure("delay", "pure", 1.5, None, "ms"))
    assert [line.split() for line in figures.table().splitlines()] == [
        ["figure", "build", "measured", "target"],
        ["CPU", "compiled", "0.70", "<=", "0.70", "met"],
        ["CPU", "pure", "0.96", "<=", "0.95", "MISSED"],
        ["decisions,", "a", "second", "pure", "59,999", ">=", "60,000", "MISSED"],
        ["delay,", "ms", "pure", "1.50"],
    ]
    figures.write(tmp_path / "bench.json")
    assert [one["met"] for one in json.loads((tmp_path / "bench.json").read_text())["figures"]] == [
        True, False, False, True,
    ]  # fmt: skip


START = "main (proxy/__main__.py:67);uv_run (core.c:464);uv__udp_recvmsg (udp.c:356)"
WRITER = "_bootstrap (threading.py:995);run (threading.py:975);LineWriter._run (proxy/observability/log.py:175)"
SERVER = f"{START};Server.flush (proxy/transport/server.py:9)"


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        (f"{SERVER};parse (proxy/sip/message.py:31);_int_malloc (libc.so.6)", "codec"),
        (f"{SERVER};CPyDef_message___parse (__native.c:31);PyObject_GetAttr (object.c:1)", "codec"),
        (f"{SERVER};CPyDef_transaction_layer___TransactionLayer___send (__native.c:31)", "transactions"),
        (f"{SERVER};Policy.decide (/somewhere/proxy/policy/engine.py:31)", "policy"),
        (f"{SERVER};ProxyCore.receive (proxy/core/proxy_core.py:31)", "routing"),
        (f"{SERVER};CallRecords.__call__ (proxy/core/call_record.py:31)", "log"),
        (f"{SERVER};Timers.due (proxy/sip/timers.py:31)", "timers"),
        (f"{SERVER};sendto (libc.so.6)", "sockets"),
        (f"{START};recvmsg (libc.so.6)", "sockets"),
        (SERVER, "loop"),
        (f"{WRITER};call_line (proxy/core/call_record.py:31);_text (json.so)", "log"),
        (f"{WRITER};CPyDef_call_record___call_line (__native.c:31);PyUnicode_Join (x.so)", "log"),
        (f"{WRITER};LineWriter._write_some (proxy/observability/log.py:9);write (libc.so.6)", "log"),
        ("main (proxy/__main__.py:67);run_forever (loop.c:33397)", "loop"),
        ("bootstrap (elsewhere.py:1)", "other"),
    ],
)
def test_a_sample_counts_for_the_innermost_part_of_the_proxy(stack: str, part: str) -> None:
    assert split.shares([f"{stack} 3"])[part] == 1


@pytest.mark.parametrize(
    "waits",
    [
        "epoll_pwait (libc.so.6)",
        "wait (threading.py:320);0x7f3a (libc.so.6)",
        "LineWriter._run (proxy/observability/log.py:9);pthread_cond_timedwait (libc.so.6);0x7f3a (libc.so.6)",
    ],
)
def test_waiting_counts_for_nothing(waits: str) -> None:
    assert split.shares([f"{START};{waits} 3"]) == {}

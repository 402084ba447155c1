"""Ports are found side by side: who looks for one beside another process rarely meets it."""

from __future__ import annotations

from simulator import loopback


def test_each_process_goes_round_the_ports_from_a_place_of_its_own() -> None:
    assert len({next(loopback._turns(process)) for process in range(-9, 0)}) > 1

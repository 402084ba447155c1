"""The dashboard and the alert rules under docker/monitoring, asked of a Prometheus that scrapes proxies under calls."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.agents.orders import Order
from simulator.agents.wire import WirePhones, WireTrunk
from simulator.loopback import free_port
from tests.plays import ROOT
from tests.plays.prometheus import Prometheus, program
from tests.plays.proxy_process import DOMESTIC, INTERNATIONAL, PROXY_HOST, STRANGER, SWITCH, ProxyProcess
from tests.plays.reputation_source import ReputationSource

pytestmark = pytest.mark.peers

FOLDER = ROOT / "docker" / "monitoring"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana/dashboards/ringfence.json").read_text())
ALICE, BOB, DAUGHTER, SPAMMER = "+8613800138001", "+8613800138002", "+6591234567", "+447700900666"
PEOPLE = f"""\
subscribers:
  - {{number: "{ALICE}", user: alice, barring: {{incoming_international: on}}, allow: ["{DAUGHTER}"]}}
  - {{number: "{BOB}", user: bob}}
"""
LIST = "number,category,confidence,source,expires\n+23224*,wangiri,0.9,reports,2099-06-30\n"
CALLS = ((DAUGHTER, ALICE), ("+23224123456", BOB), ("+442079460123", ALICE), ("+861062345678", BOB), (SPAMMER, BOB))
OPTIONS = (
    "OPTIONS sip:{proxy} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{own}\r\nMax-Forwards: 70\r\n"
    "From: <sip:{own}>;tag=1\r\nTo: <sip:{proxy}>\r\nCall-ID: {own}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)
PATIENCE = 120.0  # seconds


def queries() -> Iterator[str]:
    """All expressions of the dashboard, as Grafana puts them with everything chosen."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for each in DASHBOARD["templating"]["list"]:
        if each["type"] == "query":
            yield each["definition"].removeprefix("label_values(").partition(",")[0]


def as_asked(expression: str) -> str:
    return expression.replace("$instance", ".*").replace("$trunk", ".*").replace("$__rate_interval", "10s")


class Monitored:
    """Proxies with all that they can measure, a softswitch that answers every call, and callers."""

    def __init__(self, start: Callable[..., ProxyProcess], folder: Path, source: str, switch: WirePhones) -> None:
        (folder / "people.yaml").write_text(PEOPLE)
        self.list = folder / "list.csv"
        self.list.write_text(LIST)
        self.ports = [free_port(PROXY_HOST), free_port(PROXY_HOST)]
        self.proxies = [
            start(
                switch.address[1],
                subscribers=str(folder / "people.yaml"),
                scam_lists=[str(self.list)],
                reputation={"desk": {"url": source, "timeout_seconds": 10}},
                rules={"spoofed.home_number": "shadow", "reputation.remote": mode},
                metrics=f"{PROXY_HOST}:{port}",
            )
            for mode, port in zip(("enforce", "shadow"), self.ports, strict=True)
        ]
        self._numbers = count()

    async def calls(self, abroad: WireTrunk, domestic: WireTrunk, stranger: WireTrunk) -> None:
        """Some calls of all sorts through each proxy, and messages that are none."""
        for proxy in self.proxies:
            there = (proxy.host, proxy.port)
            for agent in (abroad, domestic, stranger):
                agent.next_hop = there
            unasked = f"+447700900{next(self._numbers) % 1000:03}"  # what the source said of others is remembered
            for caller, callee in (*CALLS, (unasked, BOB)):
                abroad.place(Order(f"m{next(self._numbers)}", caller, callee, talk=0.05))
            domestic.place(Order(f"m{next(self._numbers)}", "+8613900139001", BOB, talk=0.05))
            stranger.place(Order(f"m{next(self._numbers)}", "+8613900139002", BOB))
            for agent in (abroad, domestic, stranger):
                await agent.idle()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.bind((INTERNATIONAL, 0))
                other.sendto(b"INVITE x SIP/2.0\r\n\r\n", there)
                own = "{}:{}".format(*other.getsockname())
                other.sendto(OPTIONS.format(own=own, proxy=proxy.address).encode(), there)

    def reload(self, text: str, told: str) -> None:
        """Have all read another list."""
        self.list.write_text(text)
        for proxy in self.proxies:
            before = len(proxy.events(told))
            proxy.process.send_signal(signal.SIGHUP)
            proxy.wait_for_all(told, before + 1)


@pytest.fixture
def source() -> Iterator[ReputationSource]:
    with ReputationSource() as running:
        running.bad.add(SPAMMER)
        yield running


async def test_every_panel_has_data_of_proxies_under_calls_and_every_rule_can_be_asked(
    running_proxy: Callable[..., ProxyProcess], source: ReputationSource, tmp_path: Path
) -> None:
    program("prometheus")
    async with AsyncExitStack() as stack, AsyncExitStack() as switching:
        enter = stack.enter_async_context
        nowhere = (PROXY_HOST, 9)
        switch = await switching.enter_async_context(WirePhones((SWITCH, 0), nowhere, any_number=True))
        agents = [await enter(WireTrunk((host, 0), nowhere)) for host in (INTERNATIONAL, DOMESTIC, STRANGER)]
        lab = await asyncio.to_thread(Monitored, running_proxy, tmp_path, source.url, switch)
        targets = [f"{PROXY_HOST}:{port}" for port in lab.ports]
        prometheus = stack.enter_context(Prometheus(tmp_path, targets, FOLDER / "alerts.yml"))
        await asyncio.to_thread(lab.reload, LIST + "+23225*,wangiri,0.9,reports,2099-06-30\n", "reloaded")
        await asyncio.to_thread(lab.reload, "nonsense\n", "reload_failed")
        missing = {each: as_asked(each) for each in queries()}
        assert len(missing) > 35
        deadline = time.monotonic() + PATIENCE
        while missing:
            assert time.monotonic() < deadline, "\n".join(["no data:", *missing])
            await lab.calls(agents[0], agents[1], agents[2])
            values = {each: await asyncio.to_thread(prometheus.values, asked) for each, asked in missing.items()}
            missing = {each: asked for each, asked in missing.items() if not values[each]}
        rules = (await asyncio.to_thread(prometheus.ask, "rules"))["groups"][0]["rules"]
        assert {(each["name"], each["health"], each.get("lastError", "")) for each in rules} == {
            (each["name"], "ok", "") for each in rules
        }
        assert len(rules) > 10
        refused = DASHBOARD["panels"]
        (share,) = [panel["targets"][0]["expr"] for panel in refused if panel.get("title") == "Refused"]
        ((_, value),) = await asyncio.to_thread(prometheus.values, as_asked(share))
        assert 0 < value < 1
        await switching.aclose()
        (went,) = [each["expr"] for each in DASHBOARD["annotations"]["list"]]
        while not await asyncio.to_thread(prometheus.values, as_asked(went)):
            assert time.monotonic() < deadline + PATIENCE, went
            await lab.calls(agents[0], agents[1], agents[2])


def test_the_alert_rules_do_what_they_say() -> None:
    ended = subprocess.run(
        [program("promtool"), "test", "rules", "alerts.test.yml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_each_alert_rule_is_tried_where_it_fires() -> None:
    tried = {
        test["alertname"]
        for group in yaml.safe_load((FOLDER / "alerts.test.yml").read_text())["tests"]
        for test in group["alert_rule_test"]
        if test["exp_alerts"]
    }
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    assert tried == {rule["alert"] for rule in group["rules"]}

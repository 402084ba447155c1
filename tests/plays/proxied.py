"""A proxy before the switch of a contract lab: phones prove who they are, a domestic trunk is trusted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from simulator.addresses import Address
from simulator.lab.proxy_process import ProxyProcess
from simulator.loopback import free_port
from tests.plays.contract_lab import ALICE, BOB, CAROL
from tests.plays.proxy_templates import forked_proxies

PHONES, ELSEWHERE, DOMESTIC = "127.0.3.61", "127.0.3.62", "127.0.2.61"


@asynccontextmanager
async def proxy_before(switch: Address, folder: Path) -> AsyncIterator[Address]:
    """Run one until the end of the block; yields where it listens."""
    own = "127.0.0.1", free_port()
    subscribers = [asdict(each) for each in (ALICE, BOB, CAROL)]
    (folder / "subscribers.yaml").write_text(json.dumps({"subscribers": subscribers}))
    config = folder / "proxy.yaml"
    config.write_text(
        json.dumps(
            {
                "listen": [f"udp:{own[0]}:{own[1]}"],
                "softswitch": f"udp:{switch[0]}:{switch[1]}",
                "home": "CN",
                "preset": "cn",
                "trunks": {
                    "domestic": {"match": ["127.0.2.0/24"], "kind": "domestic", "trust_identity": True},
                    "phones": {"match": ["127.0.3.0/24"], "kind": "access", "auth": "digest"},
                },
                "subscribers": "subscribers.yaml",
            }
        )
    )
    with forked_proxies() as forks:
        process = await ProxyProcess.start(config, folder / "proxy.log", forks)
        try:
            yield own
        finally:
            await process.stop()

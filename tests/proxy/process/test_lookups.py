"""Lookups at remote sources, and the library that they take: imported where there is a source, and not before."""

from __future__ import annotations

import os
import subprocess
import sys

from proxy.policy.remote import Lookup, Opinion, RemoteSource, Reputon
from proxy.process.lookups import Lookups, ask_once, prepare
from tests.plays import ROOT
from tests.plays.reputation_source import ReputationSource

CALLER = "+23224123456"


def source_at(running: ReputationSource) -> RemoteSource:
    return RemoteSource("desk", running.url, timeout=10.0)


def test_the_http_client_is_imported_for_sources_only() -> None:
    code = (
        "import sys, proxy.__main__, proxy.explain; from proxy.process.lookups import prepare\n"
        "for sources in ((), ('a source',)): prepare(sources); print('aiohttp' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=dict(os.environ))
    assert (said.stdout.split(), said.stderr) == (["False", "True"], "")


async def test_connections_are_kept_until_their_source_is_asked_no_more() -> None:
    prepare(())
    with ReputationSource() as running:
        running.bad.add(CALLER)
        lookups, source = Lookups(), source_at(running)
        lookups.keep(())  # before anything was asked
        for _ in range(3):
            assert await lookups.ask(Lookup(source, CALLER)) == Opinion((Reputon("spam", 0.9),))
        lookups.keep((source,))
        assert await lookups.ask(Lookup(source, "+442079460123")) == Opinion()
        assert running.connections == 1
        lookups.keep(())
        assert await lookups.ask(Lookup(source, CALLER)) == Opinion((Reputon("spam", 0.9),))
        assert running.connections == 2
        await lookups.close()
    await Lookups().close()


def test_sources_are_asked_once_without_an_event_loop() -> None:
    with ReputationSource() as running:
        source = source_at(running)
        lookups = (Lookup(source, CALLER), Lookup(source, "+442079460123"))
        found = ask_once(lookups)
        assert list(found) == list(lookups)
        assert [(opinion.reputons, opinion.failure) for opinion in found.values()] == [((), "")] * 2
        assert all(opinion.waited > 0 for opinion in found.values())
    assert ask_once(()) == {}

"""Config -> what the core works with: its settings, the snapshot of preset, subscribers and lists, the service desk."""

from __future__ import annotations

import time

from proxy.config import ProxyConfig
from proxy.core_settings import CoreSettings
from proxy.forwarding import Listener
from proxy.policy import preset
from proxy.policy.snapshot import Snapshot
from proxy.scam_list import ScamList
from proxy.service_desk import ServiceDesk
from proxy.sip.flow import Flow
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import ChangedDirectory, Overlay
from proxy.subscribers.notices import Notices
from proxy.subscribers.self_service import SelfService
from proxy.subscribers.storage import load_directory


def load_snapshot(config: ProxyConfig, overlay: Overlay | None = None) -> Snapshot:
    """Read everything that a reload reads again. Raises FileErrors, OSError.

    `overlay` holds the changes that subscribers made themselves; without one, those that were saved are read.
    """
    overlay = overlay or load_overlay(config)
    return Snapshot.build(
        config.home,
        preset.load(config.preset),
        ChangedDirectory(load_directory(config), overlay),
        ScamList.load(config.scam_lists),
        config.rules,
        config.treatments,
        config.self_service.numbers,
    )


def load_overlay(config: ProxyConfig) -> Overlay:
    """What subscribers changed themselves, as it was saved. Raises FileErrors."""
    return Overlay(ChangeStore(config.subscribers).load() if config.subscribers else ())


def make_desk(config: ProxyConfig, overlay: Overlay) -> ServiceDesk | None:
    """Where subscribers' orders are dealt with; None where there are no subscribers, or no self-service for them."""
    chosen = config.self_service
    if not chosen.enabled or config.subscribers is None:
        return None
    notices = Notices(chosen.notices_per_hour)
    return ServiceDesk(load_service(config), overlay, notices, config.authentication.realm)


def load_service(config: ProxyConfig) -> SelfService:
    """What subscribers can ask for, and in which words they are answered."""
    chosen = config.self_service
    vocabulary = preset.load(config.preset).vocabulary.changed(chosen.numbers, chosen.keywords, chosen.codes)
    return SelfService(vocabulary, chosen.lock_hours * 3600)


def core_settings(config: ProxyConfig, now: float) -> CoreSettings:
    """The part of the config that the core works by; `now` is in seconds on the clock that the core gets."""
    listeners = tuple(Listener(address.transport, address.host, address.port) for address in config.listen)
    switch = config.softswitch
    local = next(i for i, listener in enumerate(listeners) if listener.transport == switch.transport)
    return CoreSettings(
        listeners,
        Flow(switch.transport, switch.host, switch.port, local),
        config.trunk_table().find,
        frozenset(domain.lower() for domain in config.domains),
        config.limits.transactions,
        config.limits.timer_c,
        epoch=time.time() - now,
        realm=config.authentication.realm,
        nonce_seconds=config.authentication.nonce_seconds,
        wrong_answers=config.authentication.wrong_answers,
        lockout_seconds=config.authentication.lockout_seconds,
        digest_algorithms=config.authentication.algorithms,
        stopwatch=time.perf_counter,
    )

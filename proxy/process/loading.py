"""Config -> what the core works with: its settings, the snapshot of preset, subscribers and lists, the service desk."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from proxy.config.models import ProxyConfig
from proxy.core.routing import Listener
from proxy.core.settings import CoreSettings
from proxy.core.time_of_day import TimeOfDay
from proxy.numbers.patterns import read_patterns
from proxy.policy.snapshot import Snapshot
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.process.apart import Apart, are_big
from proxy.process.reading import Contents, read
from proxy.reputation.scam_list import ScamList
from proxy.self_service.control import SelfService
from proxy.self_service.desk import ServiceDesk
from proxy.self_service.notices import RefusedCallNotices
from proxy.sip.flow import Flow
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import Change, ChangedDirectory, Overlay
from proxy.subscribers.directory import Directory


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """The data of the files that the config names, in force until the next reading."""

    config: ProxyConfig
    snapshot: Snapshot
    contents: Contents

    @property
    def directory(self) -> Directory:
        """The subscribers, without what they changed themselves."""
        return self.contents.directory

    @property
    def scam_list(self) -> ScamList:
        """The entries of all scam lists."""
        return self.contents.scam_list

    @property
    def known(self) -> frozenset[Path]:
        """The files that were there."""
        return frozenset(Path(each.file) for each in self.contents.extents if each.exists)


def load(config: ProxyConfig, overlay: Overlay, last_good: Loaded | None = None, apart: Apart | None = None) -> Loaded:
    """Read everything that a reload reads again; what shrank too much since `last_good` stays as it was there.

    `overlay` holds the changes that subscribers made themselves. Big files are read `apart`. Raises FileErrors,
    OSError.
    """
    before = None if last_good is None else last_good.contents
    contents = (apart or Apart()).read(config, before) if are_big(config) else read(config, before)
    snapshot = build_snapshot(
        config.home,
        preset.weighing(config.preset, config.scam_list),
        ChangedDirectory(contents.directory, overlay),
        contents.scam_list,
        config.rules,
        config.treatments,
        config.self_service.numbers,
        config.dialling.outside_lines,
        config.dialling.codes,
        config.emergency.callback_minutes * 60,
        tuple(source.source(name) for name, source in config.reputation.items()),
    )
    return Loaded(config, snapshot, contents)


def load_snapshot(config: ProxyConfig, overlay: Overlay | None = None) -> Snapshot:
    """The snapshot that calls are judged by. Raises FileErrors, OSError.

    `overlay` holds the changes that subscribers made themselves; without one, those that were saved are read.
    """
    return load(config, overlay or load_overlay(config)).snapshot


def load_overlay(config: ProxyConfig) -> Overlay:
    """The subscribers' own changes as they were saved. Raises FileErrors."""
    return Overlay(understood(ChangeStore(config.subscribers).load(), config) if config.subscribers else ())


def understood(saved: Iterable[Change], config: ProxyConfig) -> Iterator[Change]:
    """Saved changes as they count: lists may hold patterns as they were dialled, from before these were read when they
    came in."""
    numbering = config.numbering()
    for change in saved:
        value = change.value
        yield replace(change, value=read_patterns(value, numbering)) if isinstance(value, tuple) else change


def make_desk(config: ProxyConfig, overlay: Overlay) -> ServiceDesk | None:
    """The desk that deals with subscribers' orders; None without subscribers, or without self-service for them."""
    chosen = config.self_service
    if not chosen.enabled or config.subscribers is None:
        return None
    notices = RefusedCallNotices(chosen.notices_per_hour)
    return ServiceDesk(load_service(config), overlay, notices, config.authentication.realm)


def load_service(config: ProxyConfig) -> SelfService:
    """The orders that subscribers can give, and the words of the answers."""
    chosen = config.self_service
    vocabulary = preset.load(config.preset).vocabulary.changed(chosen.numbers, chosen.keywords, chosen.codes)
    return SelfService(vocabulary, chosen.lock_hours * 3600)


def core_settings(config: ProxyConfig, now: float) -> CoreSettings:
    """The part of the config that the core works by; `now` is in seconds on the clock that the core gets."""
    listeners = tuple(Listener(address.transport, address.host, address.port) for address in config.listen)
    softswitch = config.softswitch
    local = next(i for i, listener in enumerate(listeners) if listener.transport == softswitch.transport)
    return CoreSettings(
        listeners,
        Flow(softswitch.transport, softswitch.host, softswitch.port, local),
        config.trunk_table().find,
        frozenset(domain.lower() for domain in config.domains),
        config.softswitch_aliases,
        config.limits.transactions,
        config.limits.timer_c,
        clock=TimeOfDay(time.time() - now),
        realm=config.authentication.realm,
        nonce_seconds=config.authentication.nonce_seconds,
        failed_attempts=config.authentication.wrong_answers,
        lockout_seconds=config.authentication.lockout_seconds,
        digest_algorithms=config.authentication.algorithms,
        judge_softswitch=config.softswitch_calls == "judge",
        stopwatch=time.perf_counter,
        probing=config.softswitch_probe.probing,
    )

"""Config -> what the core works with: its settings, the snapshot of preset, subscribers and lists, the service desk."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from proxy.config.models import ProxyConfig
from proxy.core.routing import Listener
from proxy.core.settings import CoreSettings
from proxy.files.last_good import Extent, Kept, keep
from proxy.numbers.patterns import read_patterns
from proxy.numbers.plans import countries, prefixes_of
from proxy.policy.snapshot import Snapshot
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.reputation.scam_list import ScamList
from proxy.self_service.control import SelfService
from proxy.self_service.desk import ServiceDesk
from proxy.self_service.notices import RefusedCallNotices
from proxy.sip.flow import Flow
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import Change, ChangedDirectory, Overlay
from proxy.subscribers.directory import Directory
from proxy.subscribers.storage import is_database, path_of, read_directory


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """The data of the files that the config names, in force until the next reading.

    `extents` are those of all files, `kept` the ones of which an earlier reading stays in force.
    """

    config: ProxyConfig
    snapshot: Snapshot
    directory: Directory
    scam_list: ScamList
    extents: tuple[Extent, ...]
    kept: tuple[Kept, ...]

    @property
    def known(self) -> frozenset[Path]:
        """The files that were there."""
        return frozenset(Path(each.file) for each in self.extents if each.exists)


def load(config: ProxyConfig, overlay: Overlay, last_good: Loaded | None = None) -> Loaded:
    """Read everything that a reload reads again; what shrank too much since `last_good` stays as it was there.

    `overlay` holds the changes that subscribers made themselves. Raises FileErrors, OSError.
    """
    share = config.safeguards.least_share
    directory, extents, kept = _load_subscribers(config, last_good)
    scam_list = ScamList.load(config.scam_lists, refused(config), last_good.scam_list if last_good else None, share)
    snapshot = build_snapshot(
        config.home,
        preset.load(config.preset),
        ChangedDirectory(directory, overlay),
        scam_list,
        config.rules,
        config.treatments,
        config.self_service.numbers,
        config.dialling.outside_lines,
        config.dialling.codes,
        config.emergency.callback_minutes * 60,
        tuple(source.source(name) for name, source in config.reputation.items()),
    )
    return Loaded(config, snapshot, directory, scam_list, (*extents, *scam_list.files), (*kept, *scam_list.kept))


def load_snapshot(config: ProxyConfig, overlay: Overlay | None = None) -> Snapshot:
    """The snapshot that calls are judged by. Raises FileErrors, OSError.

    `overlay` holds the changes that subscribers made themselves; without one, those that were saved are read.
    """
    return load(config, overlay or load_overlay(config)).snapshot


def refused(config: ProxyConfig) -> Mapping[str, str]:
    """The prefixes that no row of a scam list may have."""
    return {} if config.safeguards.cover_home else covering(config.home)


def covering(home: str) -> Mapping[str, str]:
    """The prefixes that cover all numbers of a country, each with what is to be written instead."""
    beginnings = {prefix[:length] for prefix in prefixes_of(home) for length in range(1, len(prefix) + 1)}
    told = f"the home country {home} (safeguards: {{cover_home: on}} in the proxy's config allows it)"
    return {f"{each}*": f"a prefix that does not cover {told}" for each in beginnings}


def covering_any() -> Mapping[str, str]:
    """The prefixes that cover all numbers of some country, or more."""
    return {f"+{code[:length]}*": "less" for code in countries() for length in range(len(code) + 1)}


def _load_subscribers(
    config: ProxyConfig, last_good: Loaded | None
) -> tuple[Directory, tuple[Extent, ...], tuple[Kept, ...]]:
    if config.subscribers is None:
        return Directory(), (), ()
    path = path_of(config.subscribers)
    before = {} if last_good is None else {each.file: each for each in last_good.extents}
    if str(path) in before and not path.exists():
        directory, now = Directory(), Extent.gone(str(path))
    else:
        ended = is_database(config.subscribers) or _is_ended(path)  # a database has no lines
        directory = read_directory(config.subscribers, config.numbering())
        now = Extent(str(path), len(directory), ended)
    kept = keep(before, [now], config.safeguards.least_share).get(str(path))
    if last_good is None or kept is None:
        return directory, (now,), ()
    return last_good.directory, (kept.last_good,), (kept,)


def _is_ended(path: Path) -> bool:
    """True if the last line of a YAML file has an end; cut before a last bracket, it would be no YAML."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        return file.read() in (b"", b"\n", b"\r", b"]", b"}")


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
        epoch=time.time() - now,
        realm=config.authentication.realm,
        nonce_seconds=config.authentication.nonce_seconds,
        wrong_answers=config.authentication.wrong_answers,
        lockout_seconds=config.authentication.lockout_seconds,
        digest_algorithms=config.authentication.algorithms,
        judge_softswitch=config.softswitch_calls == "judge",
        stopwatch=time.perf_counter,
        probing=config.softswitch_probe.probing,
    )

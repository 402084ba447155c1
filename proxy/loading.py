"""Config -> the snapshot that the policy works on: reads the preset, the subscribers and the scam lists."""

from __future__ import annotations

from proxy.config import ProxyConfig
from proxy.policy import preset
from proxy.policy.snapshot import Snapshot
from proxy.scam_list import ScamList
from proxy.subscribers.storage import load_directory


def load_snapshot(config: ProxyConfig) -> Snapshot:
    """Read everything that a reload reads again. Raises FileErrors, OSError."""
    return Snapshot.build(
        config.home,
        preset.load(config.preset),
        load_directory(config),
        ScamList.load(config.scam_lists),
        config.rules,
        config.treatments,
    )

"""The part of the config that the core and its screening need to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.core.probing import Probing
from proxy.core.routing import Listener
from proxy.core.time_of_day import TimeOfDay
from proxy.identity.authentication import Authenticator, Counts
from proxy.policy.trunks import Side, Trunk
from proxy.sip.flow import Flow


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """The core's settings. `softswitch` names the switch's address; `local` of it is ours to pick."""

    listeners: tuple[Listener, ...]
    softswitch: Flow
    find_trunk: Callable[[str, int], Trunk | None]
    domains: frozenset[str] = frozenset(("*",))
    softswitch_aliases: tuple[tuple[str, int | None], ...] = ()  # see SoftswitchRoutes
    max_transactions: int = 300_000
    timer_c: float = 181.0  # seconds
    trying_after: float = 0.15  # seconds without any response after which an INVITE gets its 100 Trying
    clock: TimeOfDay = field(default_factory=TimeOfDay)
    realm: str = "ringfence.example"  # of digest authentication
    nonce_seconds: float = 60.0
    failed_attempts: int = 5
    lockout_seconds: float = 60.0
    digest_algorithms: tuple[str, ...] = ("SHA-256", "MD5")
    judge_softswitch: bool = False  # calls and texts from the softswitch to phones, by what their owners decided
    probing: Probing | None = None  # of the softswitch; None: it is taken to be there
    stopwatch: Callable[[], float] = float  # seconds; times each decision for its call record

    def side_of(self, flow: Flow) -> Side | None:
        """The side that sent a message; None for a stranger."""
        softswitch = self.softswitch
        if flow[2] == softswitch[2] and flow[1] == softswitch[1]:
            return "softswitch"
        trunk = self.find_trunk(flow[1], flow[2])
        if trunk is None and flow[1] == softswitch[1] and flow[0] != "udp":
            return "softswitch"  # whose connections come from any port
        return trunk

    def authenticator(self, key: bytes, counts: Counts | None = None) -> Authenticator:
        """Make the one that challenges phones, with nonces signed by `key`; see ProxyCore for `counts`."""
        return Authenticator(
            self.realm,
            self.nonce_seconds,
            self.failed_attempts,
            self.lockout_seconds,
            self.digest_algorithms,
            key=key,
            counts=counts,
            attempts=counts,
        )

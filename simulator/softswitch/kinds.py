"""Which softswitches there are, by the name that `--softswitch` gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, Self

from simulator.addresses import Address
from simulator.softswitch.embedded.switch import EmbeddedSwitch

Kind = Literal["embedded", "docker"]


class Softswitch(Protocol):
    """What the lab asks of one, an async context manager: where it is, and what went wrong with it."""

    @property
    def address(self) -> Address:
        """Where calls are sent to."""

    @property
    def problems(self) -> list[str]:
        """What makes a run with it invalid."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...


def softswitch(kind: Kind) -> Callable[..., Softswitch]:
    """What makes a switch of this kind; all take the arguments of EmbeddedSwitch."""
    if kind == "embedded":
        return EmbeddedSwitch
    from simulator.softswitch.asterisk.switch import AsteriskSwitch  # docker is slow to import, and only needed here

    return AsteriskSwitch


def prepare(kind: Kind, say: Callable[[str], None]) -> None:
    """Make what a switch of this kind needs, telling `say` how far it is. Raises LabError where it cannot."""
    if kind == "docker":
        from simulator.softswitch.asterisk import switch as asterisk

        asterisk.prepare(say)

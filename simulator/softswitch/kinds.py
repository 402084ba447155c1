"""The softswitches that there are, by the name that `--softswitch` gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, Self

from simulator.addresses import Address
from simulator.softswitch.embedded.softswitch import EmbeddedSoftswitch

Kind = Literal["embedded", "docker"]


class Softswitch(Protocol):
    """A softswitch as the lab needs it, an async context manager: its address, and what went wrong with it."""

    @property
    def address(self) -> Address:
        """The address that calls are sent to."""

    @property
    def problems(self) -> list[str]:
        """The faults that make a run with it invalid."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...


def softswitch(kind: Kind) -> Callable[..., Softswitch]:
    """The maker of a switch of this kind; all take the arguments of EmbeddedSoftswitch."""
    if kind == "embedded":
        return EmbeddedSoftswitch
    from simulator.softswitch.asterisk.softswitch import (
        AsteriskSoftswitch,  # docker is slow to import, and only needed here
    )

    return AsteriskSoftswitch


def prepare(kind: Kind, say: Callable[[str], None]) -> None:
    """Make what a switch of this kind needs, telling `say` how far it is. Raises LabError where it cannot."""
    if kind == "docker":
        from simulator.softswitch.asterisk import softswitch as asterisk

        asterisk.prepare(say)

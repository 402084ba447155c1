"""An event loop in a thread of its own, for tests that know nothing of event loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import cached_property
from typing import Any, Self, TypeVar

from simulator.lab.proxy_forks import ProxyForks, proxy_forks

T = TypeVar("T")


class Background:
    """Runs coroutines in a thread, one after another or together, and waits for what they return."""

    def __init__(self) -> None:
        self._until_closed = ExitStack()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ringfence", daemon=True)
        self._thread.start()

    @cached_property
    def forks(self) -> ProxyForks | None:
        """The process that proxies of this loop are forked off, which is started at the first asking; None where
        processes are not forked."""
        return self._until_closed.enter_context(proxy_forks())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it to its end; returns what it returns, and raises what it raises."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def enter(self, context: AbstractAsyncContextManager[T]) -> T:
        """Enter an async context manager; who enters it has it leave by `leave`."""
        return self.run(context.__aenter__())

    def leave(self, context: AbstractAsyncContextManager[Any]) -> None:
        """Leave it in order."""
        self.run(_leave(context))

    def close(self) -> None:
        """End the thread, and the proxies that are left."""
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._until_closed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _leave(context: AbstractAsyncContextManager[Any]) -> None:
    await context.__aexit__(None, None, None)

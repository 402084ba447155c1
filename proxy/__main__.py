"""Run one proxy from a config file until SIGTERM: `python -m proxy CONFIG`, or `ringfence proxy CONFIG`."""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import signal
import ssl
import sys
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import structlog

from proxy.config.addresses import TransportAddress
from proxy.config.models import ProxyConfig, load_config
from proxy.core.keys import Keys
from proxy.core.proxy_core import ProxyCore
from proxy.files.yaml_file import FileErrors
from proxy.identity.authentication import Counts
from proxy.observability import log
from proxy.observability.capture_agent import CaptureAgent
from proxy.observability.hep import Node
from proxy.observability.message_log import MessageListener, MessageListeners, MessageLog, clocks_apart
from proxy.policy.engine import Policy
from proxy.process.build import build
from proxy.process.change_writer import ChangeWriter
from proxy.process.loading import Loaded, core_settings, load, load_overlay, make_desk
from proxy.process.lookups import Lookups, prepare
from proxy.process.ports import in_use
from proxy.process.reload import Reloader, counts, warn
from proxy.process.secret_file import load_secret
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import Overlay
from proxy.transport.server import Server
from proxy.transport.status_server import StatusServer

logger = structlog.get_logger()

OK, USAGE, ENVIRONMENT = 0, 2, 3
_EXAMPLE = """\
The proxy logs JSON lines on stderr; the one with "event":"ready" says that it listens. Signals:
  SIGHUP   read the config, the subscribers and the scam lists again; calls go on. A changed address, trunk and the
           like waits for a restart; the line "reloaded" names them in needs_restart
  SIGTERM  refuse new calls, finish those being set up, then end

example:
  ringfence proxy proxy.yaml
"""


class _PortTaken(Exception):
    """Says who should be stopped."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns the exit code (0 stopped, 2 usage or invalid file, 3 environment)."""
    parser = argparse.ArgumentParser(
        prog="ringfence proxy",
        description="Run the proxy alone, from a config file, until SIGTERM.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="YAML file; proxy/README.md tells every key")
    path: Path = parser.parse_args(argv).config
    console = log.configure()
    try:
        return _load_and_serve(path, console)
    finally:
        console.close()


def _load_and_serve(path: Path, console: log.LineWriter) -> int:
    try:
        config = load_config(path)
        overlay = load_overlay(config)
        loaded = load(config, overlay)
        if config.card is not None:
            from proxy.signing.card import write_card  # what signs is slow to import

            write_card(config.card.file, config.card, config.card.private_key, time.time())
        prepare(loaded.snapshot.sources)
        secret = _secret(config)
        shared = _shared_counts(config, secret)
    except FileErrors as error:
        print(error, file=sys.stderr)
        return USAGE
    except OSError as error:
        print(f"{error.filename or path}: {error.strerror}", file=sys.stderr)
        return USAGE
    serving = _serve(path, loaded, overlay, secret, shared, console)
    del loaded  # the first reload lets go of it
    try:
        return _run(serving)
    except _PortTaken as error:
        print(error, file=sys.stderr)
        return ENVIRONMENT
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return ENVIRONMENT


def _run(main_coroutine: Coroutine[Any, Any, int]) -> int:
    """Under uvloop where it is installed: it halves the CPU a call costs."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main_coroutine)
    result: int = uvloop.run(main_coroutine)
    return result


def _secret(config: ProxyConfig) -> bytes | None:
    """The secret that outlives this process; None where no file can be made for one and none was asked for."""
    try:
        return load_secret(config.secret_file)
    except OSError as error:
        if "secret_file" in config.model_fields_set or config.secret_file.exists():
            raise
        logger.warning("secret_not_kept", file=str(config.secret_file), detail=error.strerror)
        return None


def _shared_counts(config: ProxyConfig, secret: bytes | None) -> Counts | None:
    """The counts that other processes share; None where none do, or no file can be made and none was asked for."""
    if (path := config.counts_file) is None or secret is None:
        return None
    from proxy.process.shared_counts import SharedCounts  # few share them

    try:
        return SharedCounts(path, Keys.derive(secret).counts)
    except OSError as error:
        if config.authentication.counts_file is not None:
            raise
        logger.warning("counts_not_shared", file=str(path), detail=error.strerror)
        return None


async def _serve(
    path: Path,
    loaded: Loaded,
    overlay: Overlay,
    secret: bytes | None,
    shared: Counts | None,
    console: log.LineWriter,
) -> int:
    config = loaded.config
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    records = log.LineWriter.append_to(config.call_log) if config.call_log else console
    messages = log.LineWriter.append_to(config.message_log.file) if config.message_log else None
    verdicts = log.LineWriter.append_to(config.verdict_log) if config.verdict_log else None
    policy = Policy(loaded.snapshot)
    core = ProxyCore(core_settings(config, loop.time()), policy, secret, make_desk(config, overlay), shared)
    log.set_level(config.log_level, core.refusals)
    for writer in {records, console}:
        writer.count_in(core.counters)
    changes = ChangeWriter(ChangeStore(config.subscribers), overlay) if config.subscribers else None
    agent = _capture_agent(config, core)
    lookups = Lookups()
    metrics = None
    if config.metrics is not None:
        from proxy.process import monitoring  # its library is slow to import

        metrics = monitoring.new_metrics(core)
    server = Server(
        core,
        [
            log.RecordLog(records),
            *([log.VerdictLog(verdicts)] if verdicts else ()),
            *(each for each in (metrics, agent) if each is not None),
        ],
        save=changes.save if changes else None,
        look_up=lookups.ask,
        tls=_tls(config),
        max_connections=config.limits.connections,
        message_bytes=config.limits.message_bytes,
        transits=metrics.transits.observe if metrics else None,
        messages=_message_listener(_message_log(config, messages), agent),
        clocks_apart=clocks_apart,
    )
    reloader = Reloader(path, loaded, core, overlay, changes, lookups)
    status = None
    try:
        await server.start()
        if config.metrics is not None and metrics is not None:
            files = monitoring.Inventory(path.parent, loaded)
            reloader.when_loaded = files.take
            pages = monitoring.pages(metrics, core, files, server.connections, server.datagrams_lost)
            status = StatusServer(config.metrics.host, config.metrics.port, pages)
            await status.start()
    except OSError as error:
        raise _explained(error) from error
    loop.add_signal_handler(signal.SIGHUP, reloader.reload_soon)
    _spare_the_collector()
    warn(loaded)
    listening = [str(address) for address in config.listen]
    logger.info("ready", listen=listening, softswitch=str(config.softswitch), build=build(), **counts(loaded))
    del loaded, policy  # a reload lets go of them
    await stop.wait()
    reloader.stop()
    logger.info("draining", pending=core.pending)
    finished = await server.drain(config.limits.drain_seconds)
    core.give_up(server.now())
    server.flush()
    server.close()
    await lookups.close()
    if status is not None:
        status.close()
    if changes is not None:
        await changes.close()
    if records is not console:
        records.close()
    for file in (verdicts, messages):
        if file is not None:
            file.close()
    if agent is not None:
        agent.close()
    lost = sum(writer.lost for writer in {records, console})
    logger.info("stopped", drained=finished, lost=lost, counters=dict(core.counters))
    return OK


def _message_log(config: ProxyConfig, writer: log.LineWriter | None) -> MessageLog | None:
    if writer is None or config.message_log is None:
        return None
    without = ((each.transport, each.host, each.port) for each in config.message_log.without)
    return MessageLog(writer.write, [(each.host, each.port) for each in config.listen], without)


def _capture_agent(config: ProxyConfig, core: ProxyCore) -> CaptureAgent | None:
    if (hep := config.hep) is None:
        return None
    addresses = [(each.host, each.port) for each in config.listen]
    node = Node(hep.node, hep.name, hep.key)
    return CaptureAgent((hep.address.host, hep.address.port), node, addresses, config.softswitch.host, core.counters)


def _message_listener(*listeners: MessageListener | None) -> MessageListener | None:
    wanted = [listener for listener in listeners if listener is not None]
    return MessageListeners(wanted) if len(wanted) > 1 else next(iter(wanted), None)


def _tls(config: ProxyConfig) -> ssl.SSLContext | None:
    if config.tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(config.tls.certificate, config.tls.private_key)
    except ssl.SSLError as error:
        error.filename = f"{config.tls.certificate} with {config.tls.private_key}"
        raise
    return context


def _explained(error: OSError) -> Exception:
    if error.errno != errno.EADDRINUSE:
        return error
    taken = TransportAddress.parse(str(error.filename))
    return _PortTaken(in_use(taken.transport, taken.host, taken.port))


def _spare_the_collector() -> None:
    """The path of a call makes no reference cycles (a test holds it to that), and a collection would stop all calls
    for its length: the server collects when no call is waiting."""
    gc.collect()
    gc.freeze()
    gc.disable()


if __name__ == "__main__":
    sys.exit(main())

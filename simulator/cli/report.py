"""`ringfence report RUN`: a page about a run, one call of it, captures and tables, from the files that the run left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from simulator.cli.grammar import FILE, Command

if TYPE_CHECKING:
    from proxy.config.addresses import TransportAddress


class _Collector(click.ParamType[Any]):
    """A UDP address, such as udp:127.0.0.1:9060."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> TransportAddress:
        """Read it."""
        from proxy.config.addresses import parse_udp_address

        try:
            return parse_udp_address(value)
        except ValueError as error:
            self.fail(f'found "{value}", expected {error}', param, ctx)


_EXAMPLES = """\
examples:
  ringfence report runs/latest
  ringfence report runs/latest --html report.html --call daughter-in-singapore
  ringfence report runs/latest --call daughter-in-singapore
  ringfence report runs/latest --call daughter-in-singapore --pcap daughter.pcap
  ringfence report runs/latest --parquet calls.parquet
  ringfence report runs/latest --hep udp:127.0.0.1:9060
"""


_HELP = """\
Write the report of a run as one page, to report.html in its folder or where --html says. It holds all that it shows,
with the ladders of calls that failed, of those of --call, and of others as far as there is room. With --call and
without --html, print what is known of a call instead: what was planned, what caller, phone and proxy saw of it, what
every rule said, and what it adds up to. With --pcap, write the messages of these calls, or of all, as a capture for
Wireshark, tshark and sngrep; with --hep, send them to Homer or `sngrep -L` over HEPv3, with the times at which they
passed, and the proxy's records of the calls; with --parquet, write all calls as a table. RUN is the
run's folder, such as runs/latest.
"""


@click.command("report", Command, help=_HELP, epilog=_EXAMPLES, short_help="report a run, or a call of it")
@click.argument("run", type=FILE)
@click.option("--call", "calls", multiple=True, metavar="ID", help="a call, as the summary or calls.jsonl names it")
@click.option("--html", type=FILE, metavar="F", help="write the page to this file")
@click.option(
    "--pcap", type=FILE, metavar="F", help="write its messages to this file as a capture; without --call, all"
)
@click.option("--parquet", type=FILE, metavar="F", help="write the calls to this file as a table")
@click.option("--hep", type=_Collector(), metavar="ADDRESS", help="send its messages and records there, over HEPv3")
@click.option(
    "--hep-key", default="", metavar="KEY", envvar="RINGFENCE_HEP_KEY", show_envvar=True, help="a key that it asks for"
)
@click.option(
    "--hep-rate", type=click.IntRange(1), default=1000, show_default=True, help="HEP packets a second, at most"
)
def report(**options: Any) -> int:
    """Write the page of a run or a table, print what is known of calls, or write or send their messages."""
    from simulator.cli import reporting  # which imports what reads a run

    return reporting.report(reporting.Arguments(**options))

"""The commands of `ringfence`, and what becomes of what they raise.

They are written with click, which has completion for shells, help and errors for each level, and needs nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from proxy.files.visible import brief
from proxy.files.yaml_file import FileErrors
from proxy.process.build import build
from simulator.cli.compare import compare
from simulator.cli.complaints import complain
from simulator.cli.doctor import doctor
from simulator.cli.explain import explain
from simulator.cli.grammar import Group
from simulator.cli.histograms import histograms
from simulator.cli.ladder import ladder
from simulator.cli.lint import lint
from simulator.cli.load import load
from simulator.cli.messages import messages
from simulator.cli.proxy import proxy
from simulator.cli.report import report
from simulator.cli.run import run
from simulator.cli.schema import schema
from simulator.cli.serve import serve
from simulator.cli.softswitch import softswitch
from simulator.cli.subscribers import subscribers
from simulator.cli.sweep import sweep
from simulator.errors import LabError
from simulator.exit_code import ExitCode

if TYPE_CHECKING:
    from simulator.lab.proxy_forks import ProxyForks

_OVERVIEW = """\
A SIP telephony lab on one machine: a proxy decides, call by call, whether the subscriber's phone may ring, and
labelled scam and legitimate calls show how many it judges rightly and what that costs in time. All traffic stays
on this machine.
"""
_EXAMPLES = """\
examples:
  ringfence run scenarios                     play every scenario of a folder
  ringfence run scenarios -k 'wangiri'        only what has "wangiri" in its name
  ringfence report runs/latest --call ID      what became of one call, and why
  ringfence ladder runs/latest CALL           who sent what to whom and when, in that call
  ringfence compare A B scenarios             two policies on the same calls: what changed?
  ringfence sweep grid.yaml scenarios         many policies: which stops most and bothers least?
  ringfence load scenarios/wangiri.yaml       how many calls a second does the proxy carry?
  ringfence lint my-scenario.yaml             is it written rightly?
  ringfence serve --open                      a lab that stands, live in the browser
  ringfence proxy proxy.yaml                  the proxy alone, for your own SIP traffic
  ringfence doctor                            is anything missing here?

`ringfence COMMAND --help` tells more. Exit codes: 0 all as expected, 1 a wrong verdict, 2 usage or an invalid
file, 3 the environment is broken or the run is invalid, 5 nothing selected or nothing that can be played, 99 only a
threshold missed, 130 interrupted.

Completion in bash: eval "$(_RINGFENCE_COMPLETE=bash_source ringfence)"
"""
_COMPLETION = "_RINGFENCE_COMPLETE"


@click.group(
    "ringfence", Group, help=_OVERVIEW, epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="ringfence", prog_name="ringfence", message=f"%(prog)s %(version)s ({build()})")
def ringfence() -> None:
    """Choose a command."""


for _command in (
    run,
    compare,
    sweep,
    load,
    serve,
    proxy,
    explain,
    lint,
    report,
    ladder,
    messages,
    histograms,
    subscribers,
    softswitch,
    schema,
    doctor,
):
    ringfence.add_command(_command)


def main(arguments: Sequence[str], forks: ProxyForks | None = None) -> int:
    """The command; returns the exit code. `run`, `compare` and `load` have their proxies forked off `forks`, where
    given."""
    try:
        if _COMPLETION in os.environ:  # the shell asks
            ringfence.main(list(arguments), "ringfence", _COMPLETION)
        with ringfence.make_context("ringfence", list(arguments), obj=forks) as context:
            return _written(int(ringfence.invoke(context)))
    except click.exceptions.Exit as end:  # --help and --version
        return _written(end.exit_code)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx is not None else "ringfence"
        usage = error.ctx.get_usage().replace("Usage:", "usage:", 1) if error.ctx is not None else ""
        print(f"{usage}\n{where}: error: {brief(error.format_message())}", file=sys.stderr)
        raise SystemExit(ExitCode.USAGE) from None
    except FileErrors as error:
        print(error, file=sys.stderr)
        return ExitCode.USAGE
    except LabError as error:
        complain("", [str(error)])
        return ExitCode.ENVIRONMENT
    except KeyboardInterrupt:  # before the calls: while files are read or the softswitch's image is built
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        _let_go_of_output()
        return ExitCode.AS_EXPECTED
    except OSError as error:
        complain("", [f"{error.filename or 'a system call failed'}: {error.strerror}"])
        return ExitCode.ENVIRONMENT


def _written(code: int) -> int:
    """The exit code once all output is written, which changes it only where there is no room for it."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _let_go_of_output()
        if not isinstance(error, BrokenPipeError):  # whoever read our output has seen enough
            raise
    return code


def _let_go_of_output() -> None:
    from simulator.report import terminal  # which not every command waits for

    terminal.let_go_of_output()

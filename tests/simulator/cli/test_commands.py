"""The `ringfence` command as a whole: usage, help, completion, pipes and interruptions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from simulator.__main__ import main
from tests.plays import forked
from tests.plays.command_desk import SCENARIO, written

pytestmark = pytest.mark.usefixtures("runs_beside_others")


@pytest.mark.parametrize("arguments", [["run"], ["run", "x.yaml", "--softswitch", "other"], ["fly"], []])
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: ringfence" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["-h"], ["run", "--help"], ["subscribers", "import", "-h"], ["softswitch", "-h"]]
)
def test_help_is_given_on_every_level(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: ringfence")


def test_a_shell_is_told_how_commands_go_on(tmp_path: Path) -> None:
    asked = {"_RINGFENCE_COMPLETE": "bash_complete", "COMP_WORDS": "ringfence so", "COMP_CWORD": "1"}
    told = subprocess.run(
        [sys.executable, "-P", "-m", "simulator"], env=os.environ | asked, capture_output=True, text=True, timeout=60
    )
    assert told.stdout == "plain,softswitch\n"


def test_a_command_waits_for_no_import_that_only_others_need() -> None:
    heavy = "{'asyncio', 'numpy', 'phonenumbers', 'rich', 'pyarrow', 'docker'}"
    script = f"import sys, simulator.__main__, simulator.cli.commands; print({heavy} & sys.modules.keys())"
    told = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, timeout=60)
    assert (told.stdout, told.stderr) == ("set()\n", "")


@pytest.mark.parametrize(
    "arguments",
    [["compare", "own", "own", "absent.yaml", "--offline"], ["serve", "-h"], ["load", "--help"], ["schema", "config"]],
)
def test_nothing_is_started_that_proxies_could_be_forked_off_where_there_will_be_none(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def begin(*modules: str) -> nullcontext[None]:
        started.append(modules)
        return nullcontext()

    started: list[tuple[str, ...]] = []
    monkeypatch.setattr("simulator.lab.proxy_forks.proxy_forks", begin)
    main(arguments)
    assert started == []
    main(["run", "absent.yaml"])
    assert len(started) == 1
    assert "absent.yaml: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "ringfence: error: Missing command.\n"),
        (["softswitch"], "ringfence softswitch: error: Missing command.\n"),
        (["run", "x", "--softswitch", "other"], 'found "other", expected embedded or docker\n'),
        (
            ["schema", "csv"],
            " or calls or events or call-records or messages or load-seconds or sweep-rows\n",
        ),
    ],
)
def test_wrong_usage_is_told_in_two_lines(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    error = capsys.readouterr().err
    assert error.endswith(told)
    assert len(error.splitlines()) == 2


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_changes_no_exit_code(desk: Path, unbuffered: str) -> None:
    written(desk / "small.yaml")
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in (["run", "small.yaml", "-k", "daughter"], ["lint", "small.yaml"]):
        command = [sys.executable, "-P", "-m", "simulator", *arguments]
        ended = forked.run(command, env=os.environ | {"PYTHONUNBUFFERED": unbuffered}, stdout=writer)
        assert (ended.returncode, ended.stderr) == (0, "")
    os.close(writer)


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_command_whose_output_is_closed_does_what_it_does(tmp_path: Path, closed: str) -> None:
    scenario = written(tmp_path / "small.yaml")
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "simulator", "lint", scenario]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")


def test_who_interrupts_before_anything_is_read_sees_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("simulator.cli.commands.main", interrupted)
    assert main(["run", "long.yaml"]) == 130


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "FILE", "--seed", "LONG"],
        ["load", "FILE", "--seed", "LONG"],
        ["compare", "own", "own", "FILE", "--seed", "LONG"],
        ["sweep", "FILE", "FILE", "--seed", "LONG"],
        ["run", "LONG-SEED"],
        ["run", "FILE", "-k", "LONG and"],
        ["run", "FILE", "-k", "xLONG"],
        ["load", "FILE", "--rate", "LONG"],
        ["compare", "own", "own", "FILE", "--fail-if", "LONG"],
        ["run", "LONG"],
        ["report", "LONG"],
        ["LONG"],
        ["explain", "--config", "FILE", "--trunk", "x", "--at", "LONG", "FILE"],
    ],
)
def test_a_value_that_is_too_long_to_be_read_is_cut_in_what_is_said_of_it(
    desk: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    long = "9" * 5000
    names = {"FILE": written(desk / "small.yaml"), "LONG-SEED": str(desk / "seed.yaml")}
    (desk / "seed.yaml").write_text(SCENARIO.replace("seed: 7", f"seed: {long}"))
    with suppress(SystemExit):
        main([names.get(each, each.replace("LONG", long)) for each in arguments])
    said = capsys.readouterr().err
    assert "999..." in said
    assert not re.search("9{101}", said)
    assert "Unable to parse" not in said

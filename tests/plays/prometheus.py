"""A Prometheus on loopback that asks proxies for their metrics, as Debian has it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from math import isnan
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from simulator.loopback import free_port

UNPACKED = Path(sys.prefix) / "prometheus" / "usr" / "bin"  # by .ci/system-packages


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`; where there is none the test is skipped, which in CI is a failure."""
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), str(UNPACKED))))
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {name}: make test fetches it where it may")
    assert found is not None
    return found


class Prometheus:
    """A server that scrapes `targets` (host:port) several times a second, and watches by these rules."""

    def __init__(self, folder: Path, targets: list[str], rules: Path) -> None:
        self._address = f"127.0.0.1:{free_port()}"
        config = {
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "500ms"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "ringfence", "static_configs": [{"targets": targets}]}],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))  # which is YAML too
        self._log = folder / "prometheus.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    program("prometheus"),
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address={self._address}",
                ],
                stdout=log,
                stderr=log,
            )

    def ask(self, what: str, **parameters: str) -> Any:
        """The data of an answer of its API; None until it serves. AssertionError for a question that is wrong."""
        assert self._process.poll() is None, self._log.read_text()
        try:
            with urlopen(f"http://{self._address}/api/v1/{what}?{urlencode(parameters)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except URLError as error:
            if getattr(error, "code", 503) != 503:
                raise AssertionError(f"{parameters}: {error}") from error
            return None

    def values(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and values that an expression has now, those left out that are no number."""
        data = self.ask("query", query=expression) or {"result": ()}
        found = ((each["metric"], float(each["value"][1])) for each in data["result"])
        return [(labels, value) for labels, value in found if not isnan(value)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

"""Scenario files to read, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.files.yaml_file import FileErrors
from simulator.scenario.model import Scenario, load_scenarios
from tests.plays import ROOT

AS_DESIGNED = """\
scenario: wangiri-beside-family
home: CN
preset: cn
seed: 7
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}, allow: ["+6591234567"]}
  bob:   {number: "+8613800138002"}
scam_lists: [lists/wangiri.csv]
calls:
  - campaign: wangiri
    trunk: international
    from: {prefix: "+23224", pool: 40}
    to: [alice, bob]
    count: 400
    rate: 20/s
    ring: 1.5s
    truth: scam
  - call: daughter-in-singapore
    trunk: international
    from: "+6591234567"
    to: alice
    talk: 2s
    truth: legit
    expect: {action: allow, rule: subscriber.allow, status: 200}
thresholds:
  scam_recall: [">= 0.95 lower95"]
  false_block_rate: ["<= 0.002"]
  added_setup_delay: ["p99 < 20ms"]
"""


SHIPPED = ROOT / "scenarios"
ALICE = 'subscribers: {alice: {number: "+8613800138001"}, bob: {number: "+8613800138002"}}\n'


def read(folder: Path, text: str) -> Scenario:
    (folder / "s.yaml").write_text(text)
    [(scenario, _)] = load_scenarios([folder / "s.yaml"])
    return scenario


def errors_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(FileErrors) as caught:
        read(folder, text)
    return str(caught.value).replace(f"{folder / 's.yaml'}:", "").splitlines()


def with_call(entry: str) -> str:
    return f"scenario: s\n{ALICE}calls:\n  - {{{entry}}}\n"

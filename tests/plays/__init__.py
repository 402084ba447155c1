"""Neighbours, networks and small companies to play with: `from tests.plays.dialogue import play`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the repository

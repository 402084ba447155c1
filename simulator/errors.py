"""The error that stops a run: the lab cannot be set up, or something in it broke."""

from __future__ import annotations


class LabError(Exception):
    """The environment is broken: says what is wrong and what to do."""

"""Values of the environment in a config: `${NAME}`, or `${NAME:-otherwise}` where it may be unset or empty."""

from __future__ import annotations

import os
import re

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<otherwise>[^}]*))?}", re.ASCII)


def filled_in(text: str) -> str:
    """The text with the values in their places; "" for one that is neither set nor given otherwise."""
    return VARIABLE.sub(lambda found: os.environ.get(found["name"]) or found["otherwise"] or "", text)

"""McNemar's exact test for pairs of yes and no. The only import of scipy."""

from __future__ import annotations

from importlib.util import find_spec


def is_available() -> bool:
    """True if scipy is there, found without importing it."""
    return find_spec("scipy") is not None


def mcnemar(one_only: int, other_only: int) -> float:
    """The two-sided p-value of as many discordant pairs, were both kinds equally likely (McNemar 1947, exact: a
    binomial test with one half). 1 without any. Raises ImportError without scipy."""
    if not one_only + other_only:
        return 1.0
    from scipy.special import bdtr  # the binomial distribution; scipy.stats has it too, and takes three times as long

    return min(1.0, 2.0 * float(bdtr(min(one_only, other_only), one_only + other_only, 0.5)))

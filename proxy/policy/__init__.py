"""Per-subscriber call policy: a pure function from `Call` to `Verdict`."""

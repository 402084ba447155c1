"""The hand-out after a session: what was learnt, what happened, and the figures, to be printed on A4."""

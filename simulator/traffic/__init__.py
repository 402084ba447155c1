"""The calls to place, and their times."""

"""A running proxy, as its operators see it."""

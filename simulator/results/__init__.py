"""The traces of a run on disk."""

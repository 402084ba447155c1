"""Calls decided without a wire: as many as the processor can."""

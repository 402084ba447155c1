"""Asterisk 22 in a Docker container."""

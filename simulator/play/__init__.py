"""Plays scenarios."""

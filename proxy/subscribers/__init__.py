"""Subscriber profiles and where they are kept."""

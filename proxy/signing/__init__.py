"""Signing on behalf of the proxy."""

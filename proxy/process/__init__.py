"""Runs one proxy: reads its files, again on SIGHUP, and saves what changes."""

"""Ringfence's simulator: plays labelled calls through the proxy and reports how they were judged."""

"""The proxy's config file."""

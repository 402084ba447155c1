"""Self-service: changes that subscribers make by text and star code."""

"""What the proxy signs."""

"""What subscribers change themselves, by text and star code."""

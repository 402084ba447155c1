"""What was seen of the calls, and what it is worth."""

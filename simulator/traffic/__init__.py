"""Which calls are placed, and when."""

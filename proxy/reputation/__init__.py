"""The reputation of numbers: scam lists."""

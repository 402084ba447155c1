"""What is known of numbers: scam lists."""

"""Numbers: what they say, what people see in them, and what is dialled besides."""

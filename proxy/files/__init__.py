"""Reading files that people write, and telling them what is wrong in them."""

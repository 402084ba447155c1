"""Every socket of the proxy, and its clock."""

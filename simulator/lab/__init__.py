"""The proxy, the softswitch, the agents and the phones of a run."""

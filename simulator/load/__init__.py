"""Puts load on a proxy: as many calls a second as asked for, whatever becomes of them."""

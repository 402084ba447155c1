"""The proxy without sockets: bytes and time come in, bytes and records come out (RFC 3261 section 16)."""

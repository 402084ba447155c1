"""The tests: `proxy/` and `simulator/` mirror the sources; `plays/` holds what several of them share."""

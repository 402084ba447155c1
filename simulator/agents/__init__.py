"""SIP agents that make and take the calls of a scenario."""

"""Ringfence's SIP proxy: decides, call by call, whether the subscriber's phone may ring."""

"""Sound: RTP, SDP, prompts, recordings, and what can be heard in them."""

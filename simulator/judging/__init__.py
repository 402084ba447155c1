"""Evidence of the calls, and its judgement."""

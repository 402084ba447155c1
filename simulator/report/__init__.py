"""Reports of a run for its readers: terminal summary, JSON, JUnit."""

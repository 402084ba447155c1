"""What a run leaves for its readers: terminal summary, JSON, JUnit."""

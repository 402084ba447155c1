"""The softswitches that a scenario can run against."""

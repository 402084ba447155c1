"""The softswitch in process: a back-to-back user agent."""

"""Comparisons of two policies: on the terminal, in Markdown, as data and as a page."""

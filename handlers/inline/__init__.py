"""Inline mode: queries, the messages they become, and the buttons below them."""

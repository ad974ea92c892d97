"""Texts, keyboards and other parts of the user interface."""

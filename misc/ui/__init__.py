"""Texts, keyboards and everything else that users see."""

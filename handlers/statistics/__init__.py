"""The /stats screens and the live board."""

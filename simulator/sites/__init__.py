"""Simulate the media sites and the proxy in front of them."""

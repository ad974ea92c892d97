"""Simulate Telegram and the media sites on loopback, for the demo, the tests and the benchmarks.

The simulator imports nothing of the bot. The bot cannot tell it from the real services.
"""

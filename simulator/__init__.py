"""Telegram and the sites, played on loopback: for the demo, the tests and the benchmarks.

Imports nothing of the bot; the bot cannot tell the difference.
"""

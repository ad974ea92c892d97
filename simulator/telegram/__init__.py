"""Simulate Telegram on loopback: the Bot API server and the users who talk to the bot."""

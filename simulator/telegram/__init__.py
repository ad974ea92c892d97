"""Telegram on loopback: the Bot API server, and the people who talk to the bot."""

"""Delivery: how media reaches Telegram."""

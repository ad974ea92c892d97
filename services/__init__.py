"""The use cases: no Telegram types, no sentences for users."""

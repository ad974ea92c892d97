"""Use cases: no Telegram updates, no user-facing text."""

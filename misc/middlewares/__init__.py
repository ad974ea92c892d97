"""Middlewares: registration, bans, flood protection, deduplication, acknowledgement of updates."""

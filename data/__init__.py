"""The memory: settings, database, and every question asked of it."""

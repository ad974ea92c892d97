"""Settings, the database, and every query."""

"""Indexes for the questions that are asked, and a mark for chats that cannot be reached."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add users.blocked_at and the indexes of data/models."""
    op.add_column("users", sa.Column("blocked_at", sa.BigInteger))
    _partial_index("ix_users_link", "link", sa.text("link IS NOT NULL"))
    op.create_index("ix_users_lang", "users", ["lang"])
    _partial_index("ix_users_file_mode", "user_id", sa.text("file_mode"), sa.text("file_mode = 1"))
    op.create_index("ix_videos_user", "videos", ["user_id", "downloaded_at", "is_images"])
    op.create_index("ix_videos_time", "videos", ["downloaded_at"])
    op.create_index("ix_music_user", "music", ["user_id"])


def _partial_index(
    name: str, column: str, where: sa.TextClause, sqlite_where: sa.TextClause | None = None
) -> None:
    """SQLite uses a partial index only when the question repeats its condition to the letter."""
    sqlite_where = where if sqlite_where is None else sqlite_where
    op.create_index(name, "users", [column], postgresql_where=where, sqlite_where=sqlite_where)

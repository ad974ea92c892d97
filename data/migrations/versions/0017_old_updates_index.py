"""Without the index of old updates by chat: each update paid for it, hardly anything read it."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the index. Deleting a chat's data now reads the table, which is mostly empty."""
    op.drop_index("ix_old_updates_chat", "old_updates")

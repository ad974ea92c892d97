"""Cards that offer the posts of a list, and what is chosen on them."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the table. Processes of the version before do not know it."""
    op.create_table(
        "lists",
        sa.Column("id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("chat_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("person_id", sa.BigInteger, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("ticked", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        # Old cards stay in chats, so the id of a deleted row must not come again.
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lists_person_id", "lists", ["person_id"])
    op.create_index("ix_lists_made_at", "lists", ["made_at"])

"""Broadcasts and their recipients."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two tables."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "broadcasts",
        sa.Column("id", number, primary_key=True),
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("admin_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("card_id", sa.BigInteger),
        sa.Column("buttons", sa.Text),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("is_silent", sa.Boolean, nullable=False),
        sa.Column("is_paid", sa.Boolean, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("confirmed_at", sa.BigInteger),
        sa.Column("listed_up_to", sa.BigInteger),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in ("total", "sent", "blocked", "failed", "unknown")
        ),
        sa.Column("trouble", sa.String),
        sa.Column("owner", sa.String),
    )
    op.create_index("ix_broadcasts_admin", "broadcasts", ["admin_id", "card_id"])
    op.create_table(
        "recipients",
        sa.Column("broadcast_id", number, primary_key=True, autoincrement=False),
        sa.Column("chat_id", number, primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.String, nullable=False),
        sqlite_with_rowid=False,
    )

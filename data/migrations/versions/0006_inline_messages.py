"""Inline messages: whose they are and what they show."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "inline_messages",
        sa.Column("inline_id", sa.String, primary_key=True),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("post_id", sa.String),
        sa.Column("made_at", sa.BigInteger, nullable=False),
    )

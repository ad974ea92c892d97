"""Counts: by chat, by half-hour, by outcome, by ad; faults; and the bot's own notes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and tables. They are filled at the first start, see data.rollups."""
    for name in ("posts", "slideshows", "sounds"):
        op.add_column("users", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    for name in ("post_at", "slideshow_at", "sound_at"):
        op.add_column("users", sa.Column(name, sa.BigInteger))
    op.create_index(
        "ix_users_posts",
        "users",
        ["posts"],
        postgresql_where=sa.text("posts > 0"),
        sqlite_where=sa.text("posts > 0"),
    )
    op.create_table(
        "stats",
        sa.Column(
            "slot",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("is_group", sa.Boolean, primary_key=True),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in (
                "chats",
                "posts",
                "post_chats",
                "slideshows",
                "slideshow_chats",
                "inline_posts",
                "sounds",
                "sound_chats",
            )
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outcomes",
        sa.Column("slot", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("platform", sa.String, primary_key=True),
        sa.Column("outcome", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ad_shows",
        sa.Column("slot", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ad", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "faults",
        sa.Column("code", sa.String, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("doing", sa.String, nullable=False),
        sa.Column("traceback", sa.Text, nullable=False),
    )
    op.create_index("ix_faults_at", "faults", ["at"])
    op.create_table(
        "notes",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )

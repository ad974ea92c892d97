"""The seed page's schema, for a fresh database and for one that was made without us.

A database made with the seed's own DDL may lack the ad columns (they came and went), and on SQLite
its history keys are BIGINT, which SQLite does not number by itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create what is missing, mend what cannot work, lose nothing."""
    inspector = sa.inspect(op.get_bind())
    tables = set(inspector.get_table_names())
    if "users" in tables:
        _add_ad_columns({column["name"] for column in inspector.get_columns("users")})
    else:
        _create_users()
    if "videos" not in tables:
        _create_videos("videos")
    if "music" not in tables:
        _create_music("music")
    if op.get_bind().dialect.name == "sqlite":
        _mend_sqlite_history(inspector, "videos", _create_videos, tables)
        _mend_sqlite_history(inspector, "music", _create_music, tables)


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", _KEY, primary_key=True, autoincrement=False),
        sa.Column("registered_at", sa.BigInteger),
        sa.Column("lang", sa.String, nullable=False),
        sa.Column("link", sa.String),
        sa.Column("file_mode", sa.Boolean, nullable=False),
        sa.Column("ad_count", sa.Integer, nullable=False),
        sa.Column("ad_cooldown", sa.BigInteger, nullable=False),
    )


def _create_videos(name: str) -> None:
    op.create_table(
        name,
        sa.Column("pk_id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("downloaded_at", sa.BigInteger),
        sa.Column("video_link", sa.String, nullable=False),
        sa.Column("is_images", sa.Boolean, nullable=False),
        sa.Column("is_processed", sa.Boolean, nullable=False),
        sa.Column("is_inline", sa.Boolean, nullable=False),
    )


def _create_music(name: str) -> None:
    op.create_table(
        name,
        sa.Column("pk_id", _KEY, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("downloaded_at", sa.BigInteger),
        sa.Column("video_id", sa.BigInteger, nullable=False),
    )


def _add_ad_columns(present: set[str]) -> None:
    for name, kind in (("ad_count", sa.Integer()), ("ad_cooldown", sa.BigInteger())):
        if name not in present:
            op.add_column("users", sa.Column(name, kind, nullable=False, server_default="0"))


def _mend_sqlite_history(inspector, name, create, tables) -> None:  # type: ignore[no-untyped-def]
    """Copy an adopted history table into one that numbers its rows.

    SQLite used to leave foreign keys unchecked, so rows of chats that were never registered may be
    there; they get a chat record instead of being dropped.
    """
    if name not in tables:
        return
    key = next(c for c in inspector.get_columns(name) if c["name"] == "pk_id")
    if isinstance(key["type"], sa.INTEGER) and not isinstance(key["type"], sa.BIGINT):
        return
    op.execute(
        "INSERT INTO users (user_id, lang, file_mode, ad_count, ad_cooldown) "
        f"SELECT DISTINCT user_id, 'en', 0, 0, 0 FROM {name} "
        "WHERE user_id NOT IN (SELECT user_id FROM users)"
    )
    create(f"{name}_new")
    columns = ", ".join(column["name"] for column in inspector.get_columns(name))
    op.execute(f"INSERT INTO {name}_new ({columns}) SELECT {columns} FROM {name}")
    op.drop_table(name)
    op.rename_table(f"{name}_new", name)

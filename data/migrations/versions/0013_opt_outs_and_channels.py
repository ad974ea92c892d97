"""People whose links are not answered in groups, and which chats are channels."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the table, and the column. No channel has been registered before."""
    op.create_table(
        "opt_outs",
        sa.Column("sender_id", _KEY, primary_key=True, autoincrement=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
    )
    op.add_column(
        "users", sa.Column("is_channel", sa.Boolean, nullable=False, server_default=sa.false())
    )

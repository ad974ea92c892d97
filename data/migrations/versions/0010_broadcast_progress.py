"""When a broadcast has last made progress: an old one must not go on by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Broadcasts that were running before count as long unattended."""
    op.add_column("broadcasts", sa.Column("progress_at", sa.BigInteger))

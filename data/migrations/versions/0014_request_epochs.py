"""How often the owner of a request has changed: a worker that has lost it cannot write to it."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Processes of the version before go on writing rows without it."""
    op.add_column(
        "requests", sa.Column("epoch", sa.Integer, nullable=False, server_default=sa.text("0"))
    )

"""A chat's settings beyond the seed's columns."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add users.wishes."""
    op.add_column("users", sa.Column("wishes", sa.Text))

"""Databases of earlier versions."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from data.config import ROOT


def upgrade_to(db: Connection, revision: str) -> None:
    """Bring a database to a version of the schema that may be older than the newest one."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "data" / "migrations"))
    config.attributes["connection"] = db
    command.upgrade(config, revision)

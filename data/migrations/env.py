"""Alembic's entry point: runs the migrations on the connection passed by `data.database`."""

from alembic import context
from sqlalchemy import Connection

from data.database import Base

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()

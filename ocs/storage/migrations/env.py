"""What Alembic runs: all migrations of one command in one transaction on our own connection."""

from alembic import context
from sqlalchemy import Connection

from ocs.storage.sql.database import Database
from ocs.storage.sql.schema import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


with Database(context.config.attributes["url"]) as database:
    database.transact(_run)

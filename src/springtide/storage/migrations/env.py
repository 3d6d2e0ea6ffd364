"""Alembic's entry point: migrations are plain SQL and run on the connection they are given."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()

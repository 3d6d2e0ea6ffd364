"""Alarms about evidence that ends."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Let alarms have a subject."""
    op.execute(Path(__file__).with_name("0012_lapses.sql").read_text())

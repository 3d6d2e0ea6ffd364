"""Webhooks."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the tables."""
    op.execute(Path(__file__).with_name("0008_webhooks.sql").read_text())

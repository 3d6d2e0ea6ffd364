"""Merchants, agents, levels, invitations."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the tables."""
    op.execute(Path(__file__).with_name("0009_distribution.sql").read_text())

"""Withdrawals, and how far they came."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables, and keep the balance of what is on its way out."""
    op.execute(Path(__file__).with_name("0004_withdrawals.sql").read_text())

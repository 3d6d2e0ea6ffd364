"""Movements of merchants' accounts, and in which batch an entry is."""

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Write them for what was posted, and create the index."""
    op.execute(Path(__file__).with_name("0021_merchants.sql").read_text())

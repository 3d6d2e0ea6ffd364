"""Phones of members, and the codes they log in by."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the tables."""
    op.execute(Path(__file__).with_name("0011_phones.sql").read_text())

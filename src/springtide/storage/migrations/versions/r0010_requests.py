"""Requests for cash-outs and codes for redemptions."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the tables."""
    op.execute(Path(__file__).with_name("0010_requests.sql").read_text())

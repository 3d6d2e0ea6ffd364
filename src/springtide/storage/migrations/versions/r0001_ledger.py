"""The ledger: programs, their books, and what the database itself refuses."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    op.execute(Path(__file__).with_name("0001_ledger.sql").read_text())

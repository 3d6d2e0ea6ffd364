"""The log of acts."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    op.execute(Path(__file__).with_name("0003_acts.sql").read_text())

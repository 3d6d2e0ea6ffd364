"""Sessions, staff and their roles."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables."""
    op.execute(Path(__file__).with_name("0006_staff.sql").read_text())

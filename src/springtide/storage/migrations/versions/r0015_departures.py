"""Members who left: what names them may be deleted, and nothing names them again."""

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0013"


def upgrade() -> None:
    """Create the table and its triggers."""
    op.execute(Path(__file__).with_name("0015_departures.sql").read_text())

"""What pages say of a whole journal, kept."""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Create the tables."""
    op.execute(Path(__file__).with_name("0019_history.sql").read_text())

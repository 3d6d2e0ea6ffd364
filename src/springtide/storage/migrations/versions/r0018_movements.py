"""Members' movements, account by account, for statements."""

from pathlib import Path

from alembic import op

revision = "0018"
down_revision = "0015"


def upgrade() -> None:
    """Create the tables."""
    op.execute(Path(__file__).with_name("0018_movements.sql").read_text())

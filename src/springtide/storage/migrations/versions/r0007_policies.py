"""Policy drafts, profiles and evidence."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the tables."""
    op.execute(Path(__file__).with_name("0007_policies.sql").read_text())

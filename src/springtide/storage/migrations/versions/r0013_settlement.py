"""Where merchants are paid may change."""

from pathlib import Path

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Grant it, but for the rejected."""
    op.execute(Path(__file__).with_name("0013_settlement.sql").read_text())

"""Controls of the policy, freezes, switches and alarms."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables."""
    op.execute(Path(__file__).with_name("0005_controls.sql").read_text())

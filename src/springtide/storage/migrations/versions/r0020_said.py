"""What events say, whatever else they carry; and where orders begin that are not settled."""

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create the function and the table."""
    op.execute(Path(__file__).with_name("0020_said.sql").read_text())

"""The service: orders that are settled later, and keys of the HTTP API."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create both tables."""
    op.execute(Path(__file__).with_name("0002_service.sql").read_text())

"""Alerts and deliveries in the order they were made: a page of the API does not read all of them."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_alerts_created_at", "alerts", ["created_at", "id"])
    op.create_index("ix_deliveries_created_at", "deliveries", ["created_at", "id"])

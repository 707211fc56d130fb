"""Processes tell what they measured; alerts and deliveries are counted without reading their rows."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("processes", sa.Column("measures", sa.Text()))
    op.create_index("ix_alerts_counted", "alerts", ["state", "level", "late"])
    op.create_index("ix_deliveries_counted", "deliveries", ["channel", "state"])


def downgrade() -> None:
    op.drop_index("ix_deliveries_counted", "deliveries")
    op.drop_index("ix_alerts_counted", "alerts")
    op.drop_column("processes", "measures")

"""Drafts of papers that were thrown away."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("papers", sa.Column("dropped_at", schema.Moment, comment="null: it stands"))
    op.add_column("papers", sa.Column("dropped_by", sa.Text))


def downgrade() -> None:
    op.drop_column("papers", "dropped_by")
    op.drop_column("papers", "dropped_at")

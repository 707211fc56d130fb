"""Canaries: synthetic events that show whether the way from a source to the feed is open."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "canaries",
        sa.Column("id", sa.Text(), nullable=False, comment="YYYYMMDDhhmmss of planting, UTC"),
        sa.Column("planted_at", schema.Moment(), nullable=False),
        sa.Column("alerted_at", schema.Moment()),
        sa.Column("reached_at", schema.Moment(), comment="seen in the feed"),
        sa.Column("failed_at", schema.Moment()),
        sa.Column("stage", sa.Text(), nullable=False, comment="planted | fetched | read | alerted | reached"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canaries")),
    )
    op.create_index("ix_canaries_planted_at", "canaries", ["planted_at"])

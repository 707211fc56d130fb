"""How early we were is counted by the hour and kept."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lead_times",
        sa.Column("notice", sa.Text(), nullable=False, comment="document id"),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("jurisdiction", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False, comment="see alerts.notices"),
        sa.Column("firm", sa.Text()),
        sa.Column("product", sa.Text()),
        sa.Column("signal", sa.Text(), comment="document id of the first one; null: there was none"),
        sa.Column("signal_at", schema.Moment()),
        sa.Column("signal_source", sa.Text()),
        sa.Column("signal_kind", sa.Text()),
        sa.Column("signal_title", sa.Text()),
        sa.Column("signal_jurisdiction", sa.Text()),
        sa.Column("alert", sa.Text(), comment="id of the first one; null: there was none"),
        sa.Column("alert_at", schema.Moment()),
        sa.PrimaryKeyConstraint("notice", name=op.f("pk_lead_times")),
        comment="of official notices; counted anew by the hour",
    )
    op.create_index("ix_lead_times_at", "lead_times", ["at"])

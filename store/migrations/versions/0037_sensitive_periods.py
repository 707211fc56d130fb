"""Sensitive periods of events and firms."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0037"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sensitive_periods",
        sa.Column("number", schema.Serial, primary_key=True, comment="order of writing"),
        sa.Column("kind", sa.Text, nullable=False, comment="event | firm"),
        sa.Column("subject", sa.Text, nullable=False, comment="event id; registry id or NIL:<name>"),
        sa.Column("territory", sa.Text, nullable=False, comment="region code of who declared it; 000000: sees all"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", schema.Moment, nullable=False),
        sa.Column("until", schema.Moment, nullable=False, comment="it runs before this moment"),
        sa.Column("ended_at", schema.Moment, comment="null: it runs, or its end is not put down yet"),
        sa.Column("ended_by", sa.Text, comment="system: its time was over"),
        sa.Column("once", sa.Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
    )
    op.create_index("ix_sensitive_periods_ended", "sensitive_periods", ["ended_at", "until"])
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ux_sensitive_periods_open",
        "sensitive_periods",
        ["kind", "subject"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )

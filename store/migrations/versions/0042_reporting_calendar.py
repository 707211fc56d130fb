"""Reporting calendar: what was marked as reported, what of the overdue was told upwards."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0042"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_marks",
        sa.Column("number", schema.Serial, primary_key=True, comment="order of writing"),
        sa.Column("item", sa.Text, nullable=False, comment="id of config/reporting.yml"),
        sa.Column("period", sa.Text, nullable=False, comment="its day by rule: 2026-11-10"),
        sa.Column("territory", sa.Text, nullable=False, comment="region code of the office that owes it"),
        sa.Column("at", schema.Moment, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False, comment="false: taken back"),
        sa.Column("proof", sa.Text, nullable=False, comment="by what one can tell"),
        sa.Column("once", sa.Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
        comment="append-only: the newest row of an item, period and territory holds",
    )
    op.create_index("ix_report_marks_item", "report_marks", ["item", "period", "territory"])
    op.create_table(
        "report_calls",
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("territory", sa.Text, primary_key=True),
        sa.Column("to", sa.Text, nullable=False, comment="region code of the office that was told"),
        sa.Column("at", schema.Moment, nullable=False),
        comment="what was overdue and told to the office above: once",
    )

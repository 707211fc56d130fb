"""Risk grades of firms: as computed, how they changed, and what people set instead."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0031"
down_revision = "0032c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "firm_grades",
        sa.Column("firm", sa.Text, primary_key=True, comment="registry id or NIL:<name>"),
        sa.Column("day", sa.Date, nullable=False, comment="computed for"),
        sa.Column("grade", sa.Text, nullable=False),
        sa.Column("points", sa.Float, nullable=False),
        sa.Column(
            "product", sa.Text, nullable=False, comment="whose row of the points table counted; empty: the default"
        ),
        sa.Column("territory", sa.Text, nullable=False, comment="the firm's region code; empty: not known"),
        sa.Column("next_on", sa.Date, comment="when time alone changes it; null: it does not"),
        comment="the computed grade of each firm that has a record",
    )
    op.create_index("ix_firm_grades_grade", "firm_grades", ["grade", "points"])
    op.create_index("ix_firm_grades_next", "firm_grades", ["next_on"])
    op.create_table(
        "firm_grade_changes",
        sa.Column("number", schema.Serial, primary_key=True, comment="order of writing"),
        sa.Column("firm", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("before", sa.Text, nullable=False, comment="empty: the first one"),
        sa.Column("grade", sa.Text, nullable=False),
        sa.Column("points", sa.Float, nullable=False),
        sa.Column("why", sa.Text, nullable=False, comment="the weightiest reasons then"),
        comment="append-only: a row where a grade became another one",
    )
    op.create_index("ix_firm_grade_changes_firm", "firm_grade_changes", ["firm"])
    op.create_index("ix_firm_grade_changes_day", "firm_grade_changes", ["day"])
    op.create_table(
        "firm_grade_overrides",
        sa.Column("number", schema.Serial, primary_key=True, comment="order of writing"),
        sa.Column("firm", sa.Text, nullable=False),
        sa.Column("grade", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, comment="appeal | override"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", schema.Moment, nullable=False),
        sa.Column("until", schema.Moment, nullable=False, comment="it stands before this moment"),
        sa.Column("ended_at", schema.Moment, comment="null: it was not taken back"),
        sa.Column("ended_by", sa.Text),
        sa.Column("once", sa.Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
    )
    op.create_index("ix_firm_grade_overrides_firm", "firm_grade_overrides", ["firm"])
    op.create_index("ix_firm_facts_updated", "firm_facts", ["updated_at"])

"""Suggested sampling targets that were decided; handed-in rows are counted from an index alone."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0043b"
down_revision = "0043"
branch_labels = None
depends_on = None
COUNTED = [
    "kind", "latest", "day", "territory", "product", "outcome", "online", "rural", "site",
    "found", "fixed", "done", "firm",
]  # fmt: skip


def upgrade() -> None:
    op.drop_index("ix_handed_in_day", "handed_in")
    op.create_index("ix_handed_in_counted", "handed_in", COUNTED)
    op.create_table(
        "sampling_targets",
        sa.Column("number", schema.Serial, primary_key=True, comment="order of writing"),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("territory", sa.Text, nullable=False, comment="region code"),
        sa.Column("firm", sa.Text, nullable=False, comment="registry id or NIL:<name>; empty: none in particular"),
        sa.Column("event", sa.Text, nullable=False, comment="number of the event that weighed most"),
        sa.Column("do", sa.Text, nullable=False, comment="accept | decline"),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False, comment="why it was suggested, as it was shown"),
        sa.Column("office", sa.Text, nullable=False, comment="region code of who decided"),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", schema.Moment, nullable=False),
        sa.Column("once", sa.Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
        comment="append-only: what people decided of suggested sampling targets",
    )
    op.create_index("ix_sampling_targets_at", "sampling_targets", ["at"])

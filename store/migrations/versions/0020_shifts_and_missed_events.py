"""What a shift leaves to the next one; reviews of missed events; histories of a time without a scan."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shift_log",
        sa.Column("number", schema.Serial, nullable=False, comment="order of writing"),
        sa.Column("shift", schema.Moment(), nullable=False, comment="start of the shift it belongs to"),
        sa.Column("office", sa.Text(), nullable=False, comment="region code of the desk"),
        sa.Column("kind", sa.Text(), nullable=False, comment="left | note | given | taken"),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", schema.Moment(), nullable=False, comment="story time"),
        sa.Column("alert", sa.Text(), nullable=False, comment="what a note is about; empty for none"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("once", sa.Text(), nullable=False, comment="idempotency key of the form that caused it"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_shift_log")),
        sa.UniqueConstraint("once", name=op.f("uq_shift_log_once")),
    )
    op.create_index("ix_shift_log_shift", "shift_log", ["shift", "office"])
    op.create_index("ix_shift_log_author", "shift_log", ["author", "kind", "at"])
    op.create_table(
        "missed_reviews",
        sa.Column("number", schema.Serial, nullable=False, comment="order of writing"),
        sa.Column("at", schema.Moment(), nullable=False, comment="story time"),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False, comment="region code of the desk"),
        sa.Column("asked", sa.Text(), nullable=False, comment="as it was put: address, id or title"),
        sa.Column("document", sa.Text(), nullable=False, comment="empty: it never came in"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False, comment="key of the stage where it was lost; empty: it was not"),
        sa.Column("answer", schema.Json(), nullable=False, comment="stages and proposals as they were told then"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("once", sa.Text(), nullable=False, comment="idempotency key of the form that caused it"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_missed_reviews")),
        sa.UniqueConstraint("once", name=op.f("uq_missed_reviews_once")),
    )
    op.create_index("ix_missed_reviews_office", "missed_reviews", ["office", "number"])
    op.create_index("ix_alert_history_story_at", "alert_history", ["story_at"])

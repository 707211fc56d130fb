"""Whose alert it is, what each person has read, who is named in notes, files beside an alert, merges and splits."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("assignee", sa.Text(), comment="account that works on it; null: nobody yet"))
    op.create_index("ix_alerts_assignee", "alerts", ["assignee"])
    op.create_table(
        "alert_reads",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="newest history row that was seen; 0: marked unread"),
        sa.ForeignKeyConstraint(["alert"], ["alerts.id"], name=op.f("fk_alert_reads_alert_alerts")),
        sa.PrimaryKeyConstraint("user", "alert", name=op.f("pk_alert_reads")),
    )
    op.create_table(
        "alert_mentions",
        sa.Column("user", sa.Text(), nullable=False, comment="account named in a note"),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="history row of the note"),
        sa.ForeignKeyConstraint(["alert"], ["alerts.id"], name=op.f("fk_alert_mentions_alert_alerts")),
        sa.PrimaryKeyConstraint("user", "alert", "number", name=op.f("pk_alert_mentions")),
    )
    op.create_table(
        "alert_files",
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="that of the history row it came with"),
        sa.Column("name", sa.Text(), nullable=False, comment="of the file, as uploaded"),
        sa.Column("type", sa.Text(), nullable=False, comment="by its bytes: pdf, png, jpg, docx, xlsx, ofd"),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["alert"], ["alerts.id"], name=op.f("fk_alert_files_alert_alerts")),
        sa.PrimaryKeyConstraint("alert", "number", name=op.f("pk_alert_files")),
    )
    op.create_table(
        "event_moves",
        sa.Column("number", schema.Serial, nullable=False, comment="order of writing"),
        sa.Column("kind", sa.Text(), nullable=False, comment="merge | split"),
        sa.Column("event", sa.Text(), nullable=False, comment="the one that stays"),
        sa.Column("other", sa.Text(), nullable=False, comment="merge: the one that went into it; split: the new one"),
        sa.Column("documents", schema.Json(), nullable=False, comment="what moved, each with whether it was held"),
        sa.Column("parted", sa.Boolean(), nullable=False, comment="whether the two were held apart before"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("undone_by", sa.Text()),
        sa.Column("undone_at", schema.Moment()),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name=op.f("fk_event_moves_event_events")),
        sa.ForeignKeyConstraint(["other"], ["events.id"], name=op.f("fk_event_moves_other_events")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_event_moves")),
    )
    op.create_index("ix_event_moves_event", "event_moves", ["event"])
    op.create_index("ix_event_moves_other", "event_moves", ["other"])

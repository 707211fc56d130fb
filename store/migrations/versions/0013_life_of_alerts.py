"""Silences, what the clock does to alerts, and what a notice tells."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_watch",
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("silence", sa.Text(), comment="the silence that mutes it now"),
        sa.Column("under", sa.Text(), comment="the alert that rules over it now"),
        sa.Column("owed", sa.Text(), comment="opened | raised | reopened: what is told when it may speak again"),
        sa.Column("level", sa.Integer(), server_default="0", nullable=False, comment="the one people were told of"),
        sa.Column("since", schema.Moment(), comment="when somebody was first told; null: nobody is waited for"),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.Column("repeat_at", schema.Moment(), comment="null: none is due"),
        sa.Column(
            "steps", sa.Integer(), server_default="0", nullable=False, comment="posts of the chain told after the first"
        ),
        sa.Column("step_at", schema.Moment(), comment="null: nobody is left in the chain"),
        sa.Column(
            "ended",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="those who were told know of its end",
        ),
        sa.ForeignKeyConstraint(["alert"], ["alerts.id"], name=op.f("fk_alert_watch_alert")),
        sa.PrimaryKeyConstraint("alert", name=op.f("pk_alert_watch")),
        comment="what the clock does to alerts: muted, reminded of, passed on; see alerts.watch",
    )
    op.create_table(
        "silences",
        sa.Column("id", sa.Text(), nullable=False, comment="JM-2026-0001"),
        sa.Column("matchers", schema.Json(), nullable=False, comment="all must hold, see config.matchers"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False, comment="region code it is cut to; 000000 is no cut"),
        sa.Column("created_at", schema.Moment(), nullable=False),
        sa.Column("starts_at", schema.Moment(), nullable=False),
        sa.Column("ends_at", schema.Moment(), nullable=False),
        sa.Column("expired_at", schema.Moment(), comment="ended early; a silence is never changed otherwise"),
        sa.Column("expired_by", sa.Text()),
        sa.Column("expired_why", sa.Text()),
        sa.Column("replaces", sa.Text(), comment="the silence it was made instead of"),
        sa.Column("once", sa.Text(), comment="idempotency key of the form that caused it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silences")),
        sa.UniqueConstraint("once", name=op.f("uq_silences_once")),
    )
    op.create_index(op.f("ix_silences_ends_at"), "silences", ["ends_at"])
    op.add_column(
        "deliveries",
        sa.Column(
            "what",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="opened, raised, ...: what it tells of its alert",
        ),
    )

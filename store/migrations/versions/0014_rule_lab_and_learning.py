"""The rule lab and learning from marks: cards in order of time, marks by action, lab runs, learnt orders of alerts."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_signal_cards_at", "signal_cards", ["at"])
    op.create_index("ix_alert_history_action", "alert_history", ["action", "at"])
    op.create_table(
        "lab_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False, comment="id of the rule, or the name of a detector"),
        sa.Column("state", sa.Text(), nullable=False, comment="waiting | running | done | failed"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("asked_at", schema.Moment(), nullable=False),
        sa.Column("started_at", schema.Moment()),
        sa.Column("finished_at", schema.Moment()),
        sa.Column("held_until", schema.Moment(), comment="lease of a running one"),
        sa.Column("asked", schema.Json(), nullable=False, comment="past, budget, recall floor"),
        sa.Column("result", schema.Json(), comment="as `rules test --past --json` prints it"),
        sa.Column("error", sa.Text()),
        sa.Column("once", sa.Text(), comment="idempotency key of the form that caused it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_runs")),
        sa.UniqueConstraint("once", name=op.f("uq_lab_runs_once")),
    )
    op.create_index("ix_lab_runs_rule", "lab_runs", ["rule", "asked_at"])
    op.create_index("ix_lab_runs_state", "lab_runs", ["state", "asked_at"])
    op.create_table(
        "rankings",
        sa.Column("serial", schema.Serial, nullable=False, comment="the newest one holds"),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False, comment="whether the measurement allowed its use"),
        sa.Column(
            "measured", schema.Json(), nullable=False, comment="gain, interval, marks: see alerts.reranking_measure"
        ),
        sa.Column("model", schema.Json(), nullable=False, comment="weights and what its features lean on"),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_rankings")),
    )

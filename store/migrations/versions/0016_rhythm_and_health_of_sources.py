"""When each source is due and how it has fared: its pace, its days, the states it went through."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _runs()
    _pulses()
    _days()
    _states()


def _runs() -> None:
    due: sa.Column[object] = sa.Column(
        "due_at", schema.Moment(), comment="when its turn was; null for one that somebody asked for"
    )
    op.add_column("runs", due)
    for name, comment in (("items", "rows seen on its lists"), ("not_modified", "lists that were as last time")):
        op.add_column("runs", sa.Column(name, sa.Integer(), nullable=False, server_default="0", comment=comment))
    op.create_index("ix_runs_asked_at", "runs", ["asked_at"])


def _pulses() -> None:
    first, read = "since when its history is told", "last time its lists were read, or said that nothing changed"
    hours = "24 numbers: at what hours of Beijing something new came, fading"
    trouble = "status of the last run that told something; ok: none"
    op.create_table(
        "source_pulses",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("every", sa.Float(), nullable=False, comment="seconds: the file's interval that pace began with"),
        sa.Column("pace", sa.Float(), nullable=False, comment="seconds: the interval as it is now"),
        sa.Column("next_at", schema.Moment(), nullable=False, comment="when it is due"),
        sa.Column("why", sa.Text(), nullable=False, comment="why then"),
        sa.Column("run_at", schema.Moment(), nullable=False, comment="end of its last run"),
        sa.Column("first_read_at", schema.Moment(), comment=first),
        sa.Column("read_at", schema.Moment(), comment=read),
        sa.Column("ok_at", schema.Moment(), comment="last time rows were read and all was well"),
        sa.Column("news_at", schema.Moment(), comment="last time something new was found"),
        sa.Column("newest", schema.Moment(), comment="date of the youngest row it ever showed"),
        sa.Column("rows", sa.Integer(), nullable=False, comment="rows on its lists when they were last read well"),
        sa.Column("trouble", sa.Text(), nullable=False, comment=trouble),
        sa.Column("trouble_why", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, comment="runs in a row that were not ok"),
        sa.Column("hours", schema.Json(), nullable=False, comment=hours),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_pulses")),
    )
    op.create_index("ix_source_pulses_next_at", "source_pulses", ["next_at"])


def _days() -> None:
    found, reads = "new documents dated on this day", "runs that read it on this day"
    gap = "longest time without news that ended on it, s"
    op.create_table(
        "source_days",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False, comment="ordinal, of Beijing"),
        sa.Column("found", sa.Integer(), nullable=False, server_default="0", comment=found),
        sa.Column("reads", sa.Integer(), nullable=False, server_default="0", comment=reads),
        sa.Column("gap", sa.Float(), nullable=False, server_default="0", comment=gap),
        sa.PrimaryKeyConstraint("source", "day", name=op.f("pk_source_days")),
    )


def _states() -> None:
    states = "well | silent | surging | layout_changed | blocked | failed"
    op.create_table(
        "source_states",
        sa.Column("id", schema.Serial, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), comment="null: it was never judged before"),
        sa.Column("state", sa.Text(), nullable=False, comment=states),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_states")),
    )
    op.create_index("ix_source_states_source", "source_states", ["source", "id"])
    op.create_index("ix_source_states_at", "source_states", ["at"])

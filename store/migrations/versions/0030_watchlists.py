"""Watch-lists of firms, and the firms on them."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0030"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watchlists",
        sa.Column("id", sa.Text, primary_key=True, comment="GZ-2026-0001"),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "purpose", "owner")),
        sa.Column(
            "territory",
            sa.Text,
            nullable=False,
            comment="it acts on signals of this region code and below; 000000: all",
        ),
        sa.Column("shared", sa.Text, nullable=False, comment="lowest role that sees it; empty: its owner alone"),
        sa.Column("level", sa.Integer, nullable=False, comment="an alert stands at least as high; 0: no floor"),
        sa.Column("created_at", schema.Moment, nullable=False),
        sa.Column("ended_at", schema.Moment, comment="null: it is in force"),
        sa.Column("ended_by", sa.Text),
        sa.Column("once", sa.Text, unique=True, comment="idempotency key of the form that caused it"),
    )
    op.create_table(
        "watched_firms",
        sa.Column("number", schema.Serial, primary_key=True, comment="order of writing"),
        sa.Column("list", sa.Text, sa.ForeignKey("watchlists.id"), nullable=False),
        sa.Column("firm", sa.Text, nullable=False, comment="registry id or NIL:<name>"),
        sa.Column("name", sa.Text, nullable=False, comment="as it was given"),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("reason", "added_by")),
        sa.Column("added_at", schema.Moment, nullable=False),
        sa.Column("until", schema.Moment, comment="it counts before this moment; null: without an end"),
        sa.Column("removed_at", schema.Moment, comment="null: it stands on the list"),
        sa.Column("removed_by", sa.Text),
        sa.Column("removed_why", sa.Text),
        comment="never changed, only taken off: a signal is judged by what stood on a list when it came",
    )
    op.create_index("ix_watched_firms_firm", "watched_firms", ["firm"])
    op.create_index("ix_watched_firms_list", "watched_firms", ["list", "removed_at", "number"])

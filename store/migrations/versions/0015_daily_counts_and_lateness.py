"""Daily counts of keys for anomaly rules, how far time has come, and how late an alert was opened."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _counts()
    _rules()
    _time()


def _counts() -> None:
    summed = "w:<rule>|<values>; t:<rule>|<values>: summed over its keys"
    different = "empty for origins; else the source or event"
    op.create_table(
        "day_counts",
        sa.Column("key", sa.Text(), nullable=False, comment=summed),
        sa.Column("day", sa.Integer(), nullable=False, comment="Beijing day of event time, ordinal"),
        sa.Column("value", sa.Text(), nullable=False, comment=different),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "day", "value", name=op.f("pk_day_counts")),
    )
    op.create_table(
        "day_documents",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", "document", name=op.f("pk_day_documents")),
    )
    op.create_index("ix_day_documents_document", "day_documents", ["document"])
    op.create_index("ix_day_documents_key_day", "day_documents", ["key", "day"])
    op.create_table(
        "counted_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=False, comment="t:<rule>|<values but the last>"),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("due", schema.Moment(), comment="when a silence may begin that the watermark has not reached yet"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_counted_keys")),
    )
    op.create_index("ix_counted_keys_first", "counted_keys", ["rule", "first_day"])
    op.create_index("ix_counted_keys_due", "counted_keys", ["rule", "due"])
    op.create_index("ix_counted_keys_parent", "counted_keys", ["parent", "first_day"])


def _rules() -> None:
    op.create_table(
        "counted_rules",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False, comment="documents.seq that had arrived when it came"),
        sa.Column("since_at", schema.Moment(), comment="how far the story had come then; null: nowhere"),
        sa.Column(
            "counted",
            sa.BigInteger(),
            nullable=False,
            comment="documents.seq up to which earlier ones are counted in",
        ),
        sa.Column("again_from", sa.Integer(), comment="days from here on are judged again, key by key; null: all are"),
        sa.Column("again_key", sa.Text(), nullable=False, comment="the last key that was judged again"),
        sa.PrimaryKeyConstraint("rule", name=op.f("pk_counted_rules")),
    )
    op.create_table(
        "day_pools",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False, comment="12 x year + month - 1: for judging its days"),
        sa.Column("content", schema.Json(), nullable=False, comment="factors of all keys together, number of keys"),
        sa.PrimaryKeyConstraint("rule", "month", name=op.f("pk_day_pools")),
    )
    op.create_table(
        "day_chances",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("p", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "day", "key", name=op.f("pk_day_chances")),
    )


def _time() -> None:
    op.create_table(
        "source_times",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("newest", schema.Moment(), comment="latest event time of a dated document"),
        sa.Column(
            "hours", schema.Json(), nullable=False, comment="hours from publication to arrival of its last documents"
        ),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_times")),
    )
    op.create_table(
        "moments",
        sa.Column("name", sa.Text(), nullable=False, comment="watermark: never goes back"),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_moments")),
    )
    op.create_table(
        "outages",
        sa.Column("since", schema.Moment(), nullable=False, comment="last beat of the worker before"),
        sa.Column("until", schema.Moment(), nullable=False, comment="when it worked again"),
        sa.PrimaryKeyConstraint("since", name=op.f("pk_outages")),
    )
    late = sa.Column(
        "late", sa.Integer(), nullable=False, server_default="0", comment="seconds; 0: it was opened in time"
    )
    op.add_column("alerts", late)

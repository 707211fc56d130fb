"""Events: which documents tell one story, by what they are compared, and what people merged or split."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False, comment="SJ-<year>-<serial>: 1, 2, 3, ... within the year"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("first_at", schema.Moment(), nullable=False),
        sa.Column("last_at", schema.Moment(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("origins", sa.Integer(), nullable=False, comment="documents that carry a text of their own"),
        sa.Column(
            "facts",
            schema.Json(),
            nullable=False,
            comment="firms, accidents, scenes, products, territories: see nlp.events",
        ),
        sa.Column("merged_into", sa.Text(), comment="its documents went there; the old address leads on"),
        sa.Column("created_at", schema.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("year", "serial", name=op.f("uq_events_year_serial")),
    )
    op.create_index("ix_events_last_at", "events", ["last_at"])
    op.create_index("ix_events_merged_into", "events", ["merged_into"])
    op.create_table(
        "event_documents",
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("risk", sa.Boolean(), nullable=False),
        sa.Column(
            "held", sa.Boolean(), nullable=False, server_default=sa.false(), comment="put there by hand: stays there"
        ),
        sa.Column(
            "like", sa.Text(), comment="the document that brought it here; null for the one that began the event"
        ),
        sa.Column("points", sa.Float(), nullable=False),
        sa.Column("why", schema.Json(), nullable=False),
        sa.Column("traits", schema.Json(), nullable=False, comment="what it is compared by, see nlp.event_traits"),
        sa.PrimaryKeyConstraint("document", name=op.f("pk_event_documents")),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name=op.f("fk_event_documents_event")),
    )
    op.create_index("ix_event_documents_event", "event_documents", ["event", "at"])
    op.create_table(
        "event_keys",
        sa.Column("key", sa.Text(), nullable=False, comment="f:<firm>, m:<label>, p:<family>|<place>, ..."),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", "at", "document", name=op.f("pk_event_keys")),
    )
    op.create_index("ix_event_keys_document", "event_keys", ["document"])
    op.create_table(
        "event_parted",
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event", "other", name=op.f("pk_event_parted")),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name=op.f("fk_event_parted_event")),
        sa.ForeignKeyConstraint(["other"], ["events.id"], name=op.f("fk_event_parted_other")),
        comment="split by hand: never brought together again by the machine; both directions",
    )

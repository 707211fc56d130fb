"""Signal cards: what rules need of every judged document, found by key and time."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signal_cards",
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", schema.Moment(), nullable=False, comment="event time"),
        sa.Column("until", schema.Moment(), nullable=True, comment="replaced or withdrawn; null while it counts"),
        sa.Column("facts", schema.Json(), nullable=False, comment="what rules need, see alerts.cards"),
        sa.PrimaryKeyConstraint("document", "revision", name=op.f("pk_signal_cards")),
    )
    op.create_table(
        "signal_keys",
        sa.Column(
            "key", sa.Text(), nullable=False, comment="f:<firm>, m:<family>|<label number>, p:<family>|<place>, ..."
        ),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", "document", "revision", name=op.f("pk_signal_keys")),
    )
    op.create_index("ix_signal_keys_key_at", "signal_keys", ["key", "at"], unique=False)
    op.create_index("ix_signal_keys_document", "signal_keys", ["document"], unique=False)

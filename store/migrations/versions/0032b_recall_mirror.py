"""Recalls abroad and the firms of the registry they may mean, and what people decided of them."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0032b"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mirror_items",
        sa.Column("document", sa.Text, primary_key=True, comment="a recall abroad"),
        sa.Column("day", sa.Date),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("number", "maker", "product")),
        *(sa.Column(name, schema.Json, nullable=False) for name in ("models", "candidates")),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("exact", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="open | confirmed | not_ours | none (no candidate)"),
        sa.Column("firm", sa.Text, nullable=False, comment="whom a person confirmed"),
        sa.Column("looked_at", schema.Moment, nullable=False),
    )
    op.create_index("ix_mirror_items_state", "mirror_items", ["state", "score"])
    op.create_table(
        "mirror_steps",
        sa.Column("number", schema.Serial, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("at", schema.Moment, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("actor", "action", "firm", "note")),
        sa.Column("once", sa.Text, nullable=False, unique=True),
    )
    op.create_index("ix_mirror_steps_document", "mirror_steps", ["document"])

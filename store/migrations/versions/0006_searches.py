"""Searches kept under a name, who watches them since when, and what each person asked last."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False, comment="parameters of /search; relative times stay relative"),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", schema.Moment(), nullable=False),
        sa.Column("updated_at", schema.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["users.name"], name=op.f("fk_saved_searches_owner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
        sa.UniqueConstraint("owner", "name", name=op.f("uq_saved_searches_owner_name")),
    )
    op.create_table(
        "watches",
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("created_at", schema.Moment(), nullable=False),
        sa.Column("seen_at", schema.Moment(), nullable=False, comment="what was stored later is new to this person"),
        sa.ForeignKeyConstraint(["search"], ["saved_searches.id"], name=op.f("fk_watches_search")),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_watches_user")),
        sa.PrimaryKeyConstraint("search", "user", name=op.f("pk_watches")),
    )
    op.create_index("ix_watches_user", "watches", ["user"])
    op.create_table(
        "recent_queries",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked_at", schema.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_recent_queries_user")),
        sa.PrimaryKeyConstraint("user", "text", name=op.f("pk_recent_queries")),
    )

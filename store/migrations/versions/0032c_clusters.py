"""Signals and firms by territory and product, small enough to be counted for a page."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0032c"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cluster_rows",
        sa.Column("document", sa.Text, primary_key=True, comment="an independent signal"),
        sa.Column("at", schema.Moment, nullable=False, comment="event time"),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("territory", sa.Text, nullable=False),
        sa.Column("spots", sa.Text, nullable=False, comment="weak spots it tells of, `,a,b,` or empty"),
    )
    op.create_index("ix_cluster_rows_counted", "cluster_rows", ["product", "territory", "at", "spots"])
    op.create_table(
        "cluster_firms",
        sa.Column("territory", sa.Text, primary_key=True),
        sa.Column("product", sa.Text, primary_key=True),
        sa.Column("firms", sa.Integer, nullable=False),
        sa.Column("licensed", sa.Integer, nullable=False, comment="those with a valid paper or a licence number"),
    )

"""Where headlines of hot lists stood over time; documents are found by their source's own id without a scan."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hot_lines",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="the title without signs, width and case"),
        sa.Column("title", sa.Text(), nullable=False, comment="as last seen"),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("first_seen", schema.Moment(), nullable=False),
        sa.Column("last_seen", schema.Moment(), nullable=False),
        sa.Column("sightings", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False, comment="at its last sighting; 1 is the top"),
        sa.Column("peak_rank", sa.Integer(), nullable=False),
        sa.Column("heat", sa.BigInteger(), comment="at its last sighting; null: no number"),
        sa.Column("heat_text", sa.Text(), nullable=False, comment="as the platform writes it: 261.9万"),
        sa.Column("peak_heat", sa.BigInteger()),
        sa.PrimaryKeyConstraint("platform", "name", name=op.f("pk_hot_lines")),
    )
    op.create_index("ix_hot_lines_last_seen", "hot_lines", ["last_seen"])
    op.create_index("ix_documents_source_external", "documents", ["source", "external_id"])

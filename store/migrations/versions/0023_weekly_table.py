"""The weekly table: what people wrote into its cells, and who signed it; why a rule was changed."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "weekly_cells",
        sa.Column("serial", schema.Serial, nullable=False),
        sa.Column("week", sa.Text(), nullable=False, comment="2026-W47"),
        sa.Column("territory", sa.Text(), nullable=False, comment="whose table it is"),
        sa.Column("column", sa.Text(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False, comment="product id, other or total"),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3, ... within the cell"),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), comment="as typed, made canonical; null: taken back"),
        sa.Column("system", sa.Text(), comment="what the system said then; null: nothing"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("once", sa.Text(), nullable=False, comment="idempotency key of the form, which may write many cells"),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_weekly_cells")),
        sa.UniqueConstraint("week", "territory", "column", "row", "number", name="uq_weekly_cells_number"),
        comment="append-only: what people wrote into the weekly table",
    )
    op.create_index("ix_weekly_cells_once", "weekly_cells", ["once"])
    op.create_table(
        "weekly_acts",
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("territory", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="1, 2, 3, ... within the table"),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="sign | reopen"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("frozen", schema.Json(), comment="the table as it was signed"),
        sa.Column("hash", sa.Text(), nullable=False, comment="SHA-256 of frozen"),
        sa.Column("once", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("week", "territory", "number", name=op.f("pk_weekly_acts")),
        sa.UniqueConstraint("once", name=op.f("uq_weekly_acts_once")),
    )
    note = sa.Column("note", sa.Text(), nullable=False, server_default="", comment="why it was changed")
    op.add_column("desk_rules", note)

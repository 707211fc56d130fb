"""What documents say of single goods (rows of spot checks, recalls), to be looked up by firm, model, batch, number."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0032"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "told_goods",
        sa.Column("document", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, comment="place of the row in its document"),
        sa.Column("outcome", sa.Text, nullable=False, comment="failed | passed | recalled | recalled_abroad | unsaid"),
        sa.Column("day", sa.Date),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("number", "product", "brand")),
        *(sa.Column(name, schema.Json, nullable=False) for name in ("models", "batches")),
        sa.Column("items", sa.Text, nullable=False, comment="what failed, or the hazard"),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("parties", schema.Json, nullable=False, comment="[part, name, registry id or empty]"),
    )
    op.create_index("ix_told_goods_outcome", "told_goods", ["outcome", "day"])
    op.create_table(
        "told_keys",
        sa.Column(
            "key", sa.Text, primary_key=True, comment="f:<id>, n:<name>, m:<model>, b:<batch>, #:<number>: core.told"
        ),
        sa.Column("document", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("grave", sa.Integer, nullable=False, comment="1: failed or recalled"),
        sa.Column("day", sa.Date),
    )
    op.create_index("ix_told_keys_found", "told_keys", ["key", "grave", "day", "document", "position"])
    op.create_index("ix_told_keys_document", "told_keys", ["document"])
    for name in ("model", "batch"):
        op.create_index(f"ix_firm_facts_{name}", "firm_facts", [name])

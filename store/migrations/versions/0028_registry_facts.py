"""What is recorded of firms, their relations and the changes of their entries; more columns to look firms up by."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

LOOKED_UP = ("uscc", "parent_id", "address", "person")
SQLITE = "update enterprises set uscc = entry ->> '$.uscc', parent_id = entry ->> '$.parent_id'"
POSTGRESQL = "update enterprises set uscc = entry::json ->> 'uscc', parent_id = entry::json ->> 'parent_id'"


def upgrade() -> None:
    for name in LOOKED_UP:
        op.add_column("enterprises", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.execute(SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL)
    for name in LOOKED_UP:
        op.create_index(f"ix_enterprises_{name.removesuffix('_id')}", "enterprises", [name])
    _facts()
    _ties()
    op.create_table(
        "firm_changes",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("firm", sa.Text, nullable=False),
        sa.Column("at", schema.Moment, nullable=False),
        sa.Column("source", sa.Text, nullable=False, comment="the imported file"),
        sa.Column("changes", schema.Json, nullable=False, comment="field: [before, after]"),
    )
    op.create_index("ix_firm_changes_firm", "firm_changes", ["firm"])


def _facts() -> None:
    op.create_table(
        "firm_facts",
        sa.Column("id", sa.Text, primary_key=True, comment="of what makes it the same: store.firm_facts"),
        sa.Column("firm", sa.Text, nullable=False, comment="registry id or NIL:<name>"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("day", sa.Date),
        sa.Column("until", sa.Date),
        sa.Column("state", sa.Text, nullable=False, comment="empty, suspended or withdrawn"),
        sa.Column("state_since", sa.Date),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("product", "model", "batch", "outcome")),
        sa.Column("count", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("text", "document", "source")),
        sa.Column("updated_at", schema.Moment, nullable=False),
    )
    op.create_index("ix_firm_facts_firm", "firm_facts", ["firm", "kind"])
    op.create_index("ix_firm_facts_number", "firm_facts", ["number"])
    op.create_index("ix_firm_facts_day", "firm_facts", ["kind", "day"])


def _ties() -> None:
    op.create_table(
        "firm_ties",
        sa.Column("one", sa.Text, primary_key=True, comment="registry id or NIL:<name>"),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("other", sa.Text, primary_key=True),
        sa.Column("product", sa.Text, primary_key=True, comment="empty: of no product in particular"),
        sa.Column("since", sa.Date),
        sa.Column("until", sa.Date),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("updated_at", schema.Moment, nullable=False),
    )
    op.create_index("ix_firm_ties_other", "firm_ties", ["other"])

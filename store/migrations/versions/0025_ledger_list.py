"""The ledger's list is counted from one index; deliveries may be about an entry; a row may take another back."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    listed = ("state", "due_on", "level", "territory", "unit", "product", "issue", "firm", "closed_at", "look_on")
    columns = [*listed, "created_at", "step_due_on", "year", "serial", "id"]
    op.create_index("ix_ledger_entries_list", "ledger_entries", columns)
    op.add_column("deliveries", sa.Column("entry", sa.Text()))
    op.create_index("ix_deliveries_entry", "deliveries", ["entry"])
    op.add_column("ledger_rows", sa.Column("undoes", sa.Integer()))

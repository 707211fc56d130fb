"""Which documents are read first, and the index by which that costs the same whatever waits.

Rows of before are read in their turn: so is what a program of before stores."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "which is read first, smaller first: 0 may tell of people harmed, 1 everything else"
    op.add_column("documents", sa.Column("priority", sa.Integer(), nullable=False, server_default="1", comment=comment))
    to_read = sa.text("stage IN ('fetched', 'deduped', 'analysed')")
    columns = ["stage", "priority", "event_time", "seq"]
    op.create_index("ix_documents_turn", "documents", columns, sqlite_where=to_read, postgresql_where=to_read)


def downgrade() -> None:
    pass

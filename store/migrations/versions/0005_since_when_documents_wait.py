"""Since when a document waits for the index: when a step last moved it on."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "when a step last moved it on, by the machine's clock"
    op.add_column("documents", sa.Column("moved_at", schema.Moment(), comment=comment))
    op.create_index("ix_documents_moved", "documents", ["stage", "moved_at"])

"""The index of products holds what a count by firm and month asks for: a dossier compares a firm with its trade."""

from alembic import op

revision = "0036"
down_revision = "0032b"
branch_labels = None
depends_on = None

NAME = "ix_documents_product"


def upgrade() -> None:
    op.drop_index(NAME, "documents")
    op.create_index(NAME, "documents", ["product", "event_time", "latest", "is_risk", "enterprise", "jurisdiction"])


def downgrade() -> None:
    op.drop_index(NAME, "documents")
    op.create_index(NAME, "documents", ["product", "event_time"])

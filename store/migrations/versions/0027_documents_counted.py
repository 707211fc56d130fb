"""Documents counted by source and stage in an index alone: without reading their texts."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns = ["source", "latest", "stage", "is_risk", "event_time", "repost_of", "withdrawn_at"]
    op.create_index("ix_documents_counted", "documents", columns)

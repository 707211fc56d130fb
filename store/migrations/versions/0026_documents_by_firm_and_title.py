"""Documents of a firm counted, and titles looked through, in an index alone: without reading their texts."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_documents_firm", "documents", ["enterprise", "latest", "is_risk", "event_time", "level", "jurisdiction"]
    )
    # PostgreSQL refuses entries of 2.7 KB and more, and a title has no limit.
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_documents_title", "documents", ["title"])

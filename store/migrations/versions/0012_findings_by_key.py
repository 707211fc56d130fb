"""Findings by key: the crowds that a document belongs to are looked up together, whatever their rules."""

from alembic import op

revision = "0012"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_findings_key"), "findings", ["key", "fired_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_findings_key"), "findings")

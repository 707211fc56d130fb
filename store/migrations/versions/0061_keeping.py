"""What is kept beyond its time, and files of the archive that were changed on purpose."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0061"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("number", schema.Serial, primary_key=True, comment="order of writing"),
        sa.Column("kind", sa.Text(), nullable=False, comment="document | alert | event | firm"),
        sa.Column("subject", sa.Text(), nullable=False, comment="id of it"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("until", schema.Moment(), comment="it holds before this moment; null: until it is ended"),
        sa.Column("ended_at", schema.Moment()),
        sa.Column("ended_by", sa.Text()),
        comment="never changed, only ended: what retention and erasure leave alone",
    )
    op.create_index("ix_legal_holds_subject", "legal_holds", ["kind", "subject"])
    op.create_table(
        "archive_changes",
        sa.Column("file", sa.Text(), primary_key=True, comment="within the archive"),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False, comment="expired | erased"),
        sa.Column("records", sa.Integer(), nullable=False, comment="that were blanked; -1: the whole file is gone"),
        comment="files of the archive that were changed on purpose: no damage, not to be put back",
    )


def downgrade() -> None:
    op.drop_table("archive_changes")
    op.drop_table("legal_holds")

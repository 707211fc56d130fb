"""Official papers: drafts with their fields, and the bytes that were signed."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "papers",
        sa.Column("id", sa.Text, primary_key=True, comment="GW-2026-0001"),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("serial", sa.Integer, nullable=False, comment="within the year"),
        sa.Column("kind", sa.Text, nullable=False, comment="see reports/papers/kinds.py"),
        sa.Column("territory", sa.Text, nullable=False, comment="region code of the bureau whose paper it is"),
        sa.Column(
            "subject", sa.Text, nullable=False, comment="what it is about: alert:<id>, event:<id>, week:2026-W47, ..."
        ),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("content", schema.Json, nullable=False, comment="the paper as it was read from the records"),
        sa.Column("made_at", schema.Moment, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("corrects", sa.Text, comment="id of the signed paper that this one corrects"),
        sa.Column("signed_at", schema.Moment, comment="null: a draft"),
        sa.Column("signed_by", sa.Text),
        sa.Column("once", sa.Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
        sa.UniqueConstraint("year", "serial", name="uq_papers_serial"),
    )
    op.create_index("ix_papers_territory", "papers", ["territory", "made_at"])
    op.create_index("ix_papers_subject", "papers", ["subject", "kind"])
    op.create_table(
        "paper_values",
        sa.Column("number", schema.Serial, primary_key=True, comment="order of writing"),
        sa.Column("paper", sa.Text, sa.ForeignKey("papers.id"), nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="the field"),
        sa.Column("value", sa.Text, nullable=False, comment="empty: taken back"),
        sa.Column("at", schema.Moment, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("once", sa.Text, nullable=False, comment="idempotency key of the form, which may write many fields"),
    )
    op.create_index("ix_paper_values_paper", "paper_values", ["paper", "number"])
    op.create_index("ix_paper_values_once", "paper_values", ["once"])
    op.create_table(
        "paper_files",
        sa.Column("paper", sa.Text, sa.ForeignKey("papers.id"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True, comment="paper.docx, table.xlsx, pack.zip"),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="the bytes that were signed"),
        sa.Column("sha256", sa.Text, nullable=False),
    )

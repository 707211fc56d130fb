"""Rows that other systems hand in."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0043"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handed_in",
        sa.Column("number", schema.Serial, primary_key=True, comment="order of writing"),
        sa.Column("kind", sa.Text, nullable=False, comment="of config/intake/"),
        sa.Column("source", sa.Text, nullable=False, comment="the system it came from"),
        sa.Column("external_id", sa.Text, nullable=False, comment="the caller's own id"),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("latest", sa.Boolean, nullable=False),
        sa.Column("hash", sa.Text, nullable=False, comment="of what the row says"),
        sa.Column("day", sa.Date, nullable=False, comment="Beijing day it tells of"),
        sa.Column("territory", sa.Text, nullable=False, comment="region code; empty: not told"),
        sa.Column("product", sa.Text, nullable=False, comment="product id of the lexicon; empty: none known"),
        sa.Column("firm", sa.Text, nullable=False, comment="registry id or NIL:<name>; empty: not told"),
        sa.Column("outcome", sa.Text, nullable=False, comment="passed | failed | empty"),
        sa.Column("online", sa.Boolean, nullable=False),
        sa.Column("rural", sa.Boolean, nullable=False),
        sa.Column("site", sa.Text, nullable=False, comment="maker | dealer | empty: of an inspection"),
        sa.Column("found", sa.Integer, nullable=False, comment="hazards found"),
        sa.Column("fixed", sa.Integer, nullable=False, comment="hazards put right"),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.Column("document", sa.Text, nullable=False, comment="the document it became; empty: none"),
        sa.Column("body", schema.Json, nullable=False, comment="masked, without private columns"),
        sa.Column("at", schema.Moment, nullable=False, comment="handed in"),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("archive", sa.Text, nullable=False, comment="WARC file, offset and length of what was handed in"),
        sa.UniqueConstraint("kind", "source", "external_id", "revision"),
        comment="rows of other systems: append-only, the latest revision holds",
    )
    op.create_index("ix_handed_in_day", "handed_in", ["kind", "latest", "day", "territory"])
    op.create_index("ix_handed_in_firm", "handed_in", ["firm", "kind"])

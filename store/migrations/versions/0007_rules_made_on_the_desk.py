"""Rules made on the desk: every version of each, who made it and when."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_rules",
        sa.Column("serial", schema.Serial, nullable=False, comment="order of changes over all rules"),
        sa.Column("rule", sa.Text(), nullable=False, comment="desk_1, desk_2, ...; never given again"),
        sa.Column("number", sa.Integer(), nullable=False, comment="version: 1, 2, 3, ... within the rule"),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="created | changed | off | on | deleted"),
        sa.Column("state", sa.Text(), nullable=False, comment="on | off | deleted"),
        sa.Column("territory", sa.Text(), nullable=False, comment="region code it is cut to; 000000 is no cut"),
        sa.Column("definition", schema.Json(), nullable=False, comment="the words of the rule, as in a rule file"),
        sa.Column("since", sa.BigInteger(), nullable=False, comment="documents.seq that had arrived when it was made"),
        sa.Column(
            "counted",
            sa.BigInteger(),
            comment="documents.seq up to which earlier ones are counted in; null: none",
        ),
        sa.Column("once", sa.Text(), comment="idempotency key of the form that caused it"),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_desk_rules")),
        sa.UniqueConstraint("once", name=op.f("uq_desk_rules_once")),
        sa.UniqueConstraint("rule", "number", name="uq_desk_rules_rule_number"),
    )

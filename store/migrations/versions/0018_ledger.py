"""The ledger of hidden dangers: entries, their history, proofs, and what is under supervision."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _entries()
    _rows()
    _proofs()
    _supervisions()


def _entries() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Text(), nullable=False, comment="YH-2026-0001"),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False, comment="1, 2, 3, ... within the year"),
        sa.Column("state", sa.Text(), nullable=False, comment="see store.ledger.HazardState"),
        sa.Column("level", sa.Integer(), nullable=False, comment="1 to 4"),
        sa.Column("title", sa.Text(), nullable=False, comment="the hazard in a sentence"),
        sa.Column(
            "origin",
            sa.Text(),
            nullable=False,
            comment="how it was found: self | check | spotcheck | ... (ledger.words)",
        ),
        sa.Column("alert", sa.Text(), comment="the alert it came from"),
        sa.Column("product", sa.Text(), nullable=False, comment="id; empty: not known"),
        sa.Column("model", sa.Text(), nullable=False, comment="model and batch"),
        sa.Column("firm", sa.Text(), nullable=False, comment="registry id, NIL:<name>, or empty"),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("issue", sa.Text(), nullable=False, comment="id; empty: not known"),
        sa.Column("territory", sa.Text(), nullable=False, comment="where the hazard lies"),
        sa.Column(
            "unit",
            sa.Text(),
            nullable=False,
            comment="the territory whose bureau answers for it; empty: not dispatched",
        ),
        sa.Column("person", sa.Text(), nullable=False, comment="who answers there, typed by a person"),
        sa.Column("measures", sa.Text(), nullable=False),
        sa.Column("case_number", sa.Text(), nullable=False, comment="of the case or the transfer, typed by a person"),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False, comment="overdue is computed from it, never stored"),
        sa.Column("step_due_on", sa.Date(), comment="until when the next step is due; null: none runs"),
        sa.Column("done_on", sa.Date(), comment="when the rectification was reported done"),
        sa.Column(
            "look_on", sa.Date(), comment="when it is to be looked at again after its end; null: not chosen or done"
        ),
        sa.Column("closed_at", schema.Moment()),
        sa.Column("created_at", schema.Moment(), nullable=False),
        sa.Column("updated_at", schema.Moment(), nullable=False),
        sa.UniqueConstraint("year", "serial", name=op.f("uq_ledger_entries_year_serial")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
    )
    op.create_index("ix_ledger_entries_state", "ledger_entries", ["state", "due_on"])
    op.create_index("ix_ledger_entries_alert", "ledger_entries", ["alert"])
    op.create_index("ix_ledger_entries_firm", "ledger_entries", ["firm", "product"])


def _rows() -> None:
    op.create_table(
        "ledger_rows",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3, ... within the entry"),
        sa.Column("at", schema.Moment(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="the entry's after it"),
        sa.Column("reason", sa.Text(), nullable=False, comment="a code of ledger.words; empty where none is asked for"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("details", schema.Json(), nullable=False),
        sa.Column("once", sa.Text(), comment="idempotency key of the form that caused it"),
        sa.ForeignKeyConstraint(["entry"], ["ledger_entries.id"], name=op.f("fk_ledger_rows_entry")),
        sa.UniqueConstraint("once", name=op.f("uq_ledger_rows_once")),
        sa.PrimaryKeyConstraint("entry", "number", name=op.f("pk_ledger_rows")),
    )
    op.create_index("ix_ledger_rows_action", "ledger_rows", ["action", "at"])


def _proofs() -> None:
    op.create_table(
        "ledger_proofs",
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="that of the history row it came with"),
        sa.Column("kind", sa.Text(), nullable=False, comment="report | recheck | retest | case | goods | other"),
        sa.Column("name", sa.Text(), nullable=False, comment="of the file, as uploaded"),
        sa.Column("type", sa.Text(), nullable=False, comment="by its bytes: pdf, png, jpg, docx, xlsx, ofd"),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["ledger_entries.id"], name=op.f("fk_ledger_proofs_entry")),
        sa.PrimaryKeyConstraint("entry", "number", name=op.f("pk_ledger_proofs")),
    )


def _supervisions() -> None:
    op.create_table(
        "supervisions",
        sa.Column("id", sa.Text(), nullable=False, comment="DB-2026-0001"),
        sa.Column("kind", sa.Text(), nullable=False, comment="territory | firm"),
        sa.Column("subject", sa.Text(), nullable=False, comment="region code or firm"),
        sa.Column("territory", sa.Text(), nullable=False, comment="whose officers see it"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="number of the notice, typed by a person"),
        sa.Column("began_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False, comment="on what it ends"),
        sa.Column("entries", schema.Json(), nullable=False, comment="the ledger entries it is about"),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", schema.Moment(), nullable=False),
        sa.Column("ended_on", sa.Date(), comment="null: it is in force; never changed otherwise"),
        sa.Column("ended_by", sa.Text()),
        sa.Column("ended_why", sa.Text()),
        sa.Column("once", sa.Text(), comment="idempotency key of the form that caused it"),
        sa.UniqueConstraint("once", name=op.f("uq_supervisions_once")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervisions")),
    )

"""A second step, identities of other houses, where sessions came from; an audit chain that covers each row's number.

The chain knows its own two ends; rows written before are chained anew.

What the old chain said of them is not lost: the last row written here tells how many they were, the hash they ended
in, and the first one at which the old chain was broken, if it was.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import RowMapping

from core.clock import system_clock
from core.ids import digest, to_json
from store import schema

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

audit = sa.table(
    "audit",
    sa.column("number", schema.Serial), sa.column("at", schema.Moment), sa.column("actor", sa.Text),
    sa.column("action", sa.Text), sa.column("object", sa.Text), sa.column("details", schema.Json),
    sa.column("previous_hash", sa.Text), sa.column("hash", sa.Text),
)  # fmt: skip


def upgrade() -> None:
    _second_step()
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False, comment="always 1"),
        sa.Column("base_number", sa.BigInteger(), nullable=False, comment="the last row that was pruned; 0: none"),
        sa.Column("base_hash", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="the newest row; as base where there is none"),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_actor_number", "audit", ["actor", "number"])
    op.create_index("ix_audit_action_number", "audit", ["action", "number"])
    number, last = _chain_anew(op.get_bind())
    op.get_bind().execute(head.insert().values(id=1, base_number=0, base_hash="", number=number, hash=last))


def _second_step() -> None:
    op.add_column("users", sa.Column("signed_in_at", schema.Moment(), comment="when a session was last opened"))
    op.add_column("sessions", sa.Column("how", sa.Text(), nullable=False, server_default="password"))
    op.add_column("sessions", sa.Column("address", sa.Text(), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("agent", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_sessions_user", "sessions", ["user"])
    op.create_table(
        "second_factors",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False, comment="base32"),
        sa.Column("confirmed_at", schema.Moment(), comment="null: not in use yet"),
        sa.Column("last_step", sa.BigInteger(), nullable=False, comment="of the newest code that was used"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", schema.Moment()),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_second_factors_user")),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False, comment="the first sign of the code"),
        sa.Column("hash", sa.Text(), nullable=False, comment="argon2"),
        sa.Column("used_at", schema.Moment()),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_recovery_codes_user")),
        sa.PrimaryKeyConstraint("user", "slot", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "identities",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="what the issuer calls this person, for ever"),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("created_at", schema.Moment(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_identities_user")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identities")),
        sa.UniqueConstraint("user", name=op.f("uq_identities_user")),
    )


def _chain_anew(db: sa.Connection) -> tuple[int, str]:
    """Number and hash of the newest row."""
    was, now, number, rows, broken = "", "", 0, 0, None
    for row in db.execute(sa.select(audit).order_by(audit.c.number)).mappings().all():
        if broken is None and (row["previous_hash"] != was or row["hash"] != _old_hash(was, row)):
            broken = row["number"]
        number, rows, was = row["number"], rows + 1, row["hash"]
        fresh = {"previous_hash": now, "hash": _new_hash(now, row)}
        db.execute(sa.update(audit).where(audit.c.number == number).values(**fresh))
        now = fresh["hash"]
    if not rows:
        return 0, ""
    told = {"rows": rows, "ended_in": was, "broken_at": broken}
    made = {
        "number": number + 1, "at": system_clock(), "actor": "系统", "action": "audit_rechained", "object": "",
        "details": told,
    }  # fmt: skip
    last = _new_hash(now, made)
    db.execute(sa.insert(audit).values(**made, previous_hash=now, hash=last))
    return number + 1, last


def _old_hash(previous: str, row: RowMapping | Mapping[str, Any]) -> str:
    at: datetime = row["at"]
    return digest(previous, str(at.timestamp()), row["actor"], row["action"], row["object"], to_json(row["details"]))


def _new_hash(previous: str, row: RowMapping | Mapping[str, Any]) -> str:
    at: datetime = row["at"]
    when = at.astimezone(UTC).isoformat(timespec="microseconds")
    return digest(
        previous, str(row["number"]), when, row["actor"], row["action"], row["object"], to_json(row["details"])
    )

"""Whether a sampled batch came from online or rural trade may be unknown: what no row told was counted as no."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("handed_in") as table:
        table.alter_column("online", existing_type=sa.Boolean, nullable=True)
        table.alter_column("rural", existing_type=sa.Boolean, nullable=True)
    rows = sa.table(
        "handed_in", sa.column("number"), sa.column("online"), sa.column("rural"), sa.column("body", schema.Json)
    )
    db = op.get_bind()
    last = 0
    while found := db.execute(
        sa.select(rows.c.number, rows.c.body).where(rows.c.number > last).order_by(rows.c.number).limit(5000)
    ).all():
        last = found[-1].number
        for column, told in (("online", "channel"), ("rural", "rural")):
            untold = [row.number for row in found if not row.body.get(told)]
            for start in range(0, len(untold), 500):
                mine = rows.c.number.in_(untold[start : start + 500])
                db.execute(sa.update(rows).where(mine).values({column: None}))


def downgrade() -> None:
    op.execute("UPDATE handed_in SET online = false WHERE online IS NULL")
    op.execute("UPDATE handed_in SET rural = false WHERE rural IS NULL")
    with op.batch_alter_table("handed_in") as table:
        table.alter_column("online", existing_type=sa.Boolean, nullable=False)
        table.alter_column("rural", existing_type=sa.Boolean, nullable=False)

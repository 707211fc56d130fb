"""A crawl is open once a source, by an index; its claim runs out; sites that want to be left alone are remembered."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("held_until", schema.Moment(), nullable=True, comment="lease of a running one"))
    # Nothing crawls while the schema changes: what is open is left over, and the scheduler asks for it again.
    op.execute("UPDATE runs SET status = 'interrupted' WHERE status IN ('waiting', 'running')")
    is_open = sa.text("status IN ('waiting', 'running')")
    op.create_index("ux_runs_open", "runs", ["source"], unique=True, sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "holds",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("until", schema.Moment(), nullable=False, comment="the site wants no visit before"),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_holds")),
    )

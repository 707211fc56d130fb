"""On PostgreSQL: queues of Procrastinate, which wake who waits for work (store/queue_schema.py)."""

from alembic import op

from store.queue_schema import make_queues

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        make_queues(op.get_bind())


def downgrade() -> None:
    pass

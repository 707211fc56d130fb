"""From which release on a program may work on this schema: processes are updated one by one (store/database.py)."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    facts = sa.table("facts", sa.column("key"), sa.column("value"))
    op.execute(facts.insert().values(key="schema_works_since", value=revision))


def downgrade() -> None:
    pass

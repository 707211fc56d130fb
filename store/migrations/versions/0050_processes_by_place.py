"""Processes have a place and a mark: any number of each on any number of machines."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("processes", sa.Column("host", sa.Text()))
    op.add_column("processes", sa.Column("instance", sa.Text()))


def downgrade() -> None:
    op.drop_column("processes", "instance")
    op.drop_column("processes", "host")

"""Mail: what is known of addresses, pictures of mails, what a delivery is made of, receipts."""

import sqlalchemy as sa
from alembic import op

from store import schema

revision = "0040"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "deliveries",
        sa.Column(
            "details",
            schema.Json,
            nullable=False,
            server_default="{}",
            comment="pictures: {name in the mail: sha256}; thread: delivery it follows; from: first day of a digest",
        ),
    )
    op.add_column(
        "deliveries", sa.Column("receipt_at", schema.Moment, comment="the signed link in the mail was pressed")
    )
    op.create_index("ix_deliveries_recipient", "deliveries", ["recipient", "created_at"])
    op.create_table(
        "mail_addresses",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column(
            "failing_at", schema.Moment, comment="since when mails to it are refused for good; null: they are not"
        ),
        sa.Column("failing_kind", sa.Text, comment="refused | bounced"),
        sa.Column("failing_answer", sa.Text),
        sa.Column("failing_delivery", sa.Text),
        sa.Column("no_digest_at", schema.Moment, comment="the digest was turned off by its link; null: it comes"),
        sa.Column(
            "lowest", sa.Integer, nullable=False, server_default="0", comment="mails of alerts below it are turned off"
        ),
        sa.Column("lowest_at", schema.Moment),
        comment="what is known of an address beside routes.yml: whether it takes mail, what its owner turned off",
    )
    op.create_table(
        "mail_pictures",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("png", sa.LargeBinary, nullable=False),
        sa.Column("created_at", schema.Moment, nullable=False),
        comment="pictures of mails, kept so that a mail that is sent again is the same one",
    )

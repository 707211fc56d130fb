"""Alembic's entry: online only, one transaction, address handed over by store.database."""

from typing import Any

from alembic import context
from sqlalchemy import create_engine

from core.errors import StoreError
from store.database import take_turn
from store.schema import metadata

MIGRATE_TURN = 0x6D696772
"""Key of the advisory lock of a migration on PostgreSQL ("migr")."""


def forward_only(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
    """A step back would drop what people wrote meanwhile."""
    if not step.is_upgrade:
        raise StoreError("结构只能向前升级，不能降级：要回到以前的版本，请恢复升级前的备份（fengsui restore）")


engine = create_engine(context.config.attributes["url"], hide_parameters=True)
with engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, on_version_apply=forward_only
    )
    with context.begin_transaction():
        take_turn(connection, MIGRATE_TURN)  # processes that start together: the second finds nothing to do
        context.run_migrations()
engine.dispose()

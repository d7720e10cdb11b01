"""Runs migrations on the connection handed over by ``bot.schema``."""

import importlib

from alembic import context
from sqlmodel import SQLModel

for module in (
    "core.audit",
    "subscriptions.models",
    "feeds.models",
    "channels.models",
    "reports.models",
    "console.models",
    "bot.models",
):
    importlib.import_module(module)

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
context.run_migrations()

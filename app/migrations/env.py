"""Runs migrations on the connection handed over by ``app.schema``."""

import importlib
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel, sql

from core.database import ReasonText, UtcDateTime

for module in (
    "core.audit",
    "core.own_words",
    "subscriptions.models",
    "feeds.models",
    "channels.models",
    "channels.line.models",
    "channels.email.models",
    "alerts.models",
    "alerts.news.models",
    "alerts.chat.models",
    "alerts.surveys.models",
    "response.models",
    "reports.models",
    "public.models",
    "console.models",
    "bot.models",
):
    importlib.import_module(module)


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our column types into a new revision as the plain types they are stored as."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, ReasonText):
        return "sa.String()"
    if isinstance(item, sa.Enum):
        return f"sa.String(length={item.length})"
    if isinstance(item, sql.sqltypes.AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=context.config.attributes.get("batch", False),
    render_item=render_item,
)
context.run_migrations()

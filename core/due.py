"""When something that was put off is due, also after the machine's clock was ahead for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_

LONGEST = timedelta(days=1)
"""No rule puts off for longer (a department's quiet hours, a server's ``Retry-After``); what lies
further ahead was put off by a clock that was ahead."""


def is_due(not_before: datetime, now: datetime) -> bool:
    """Whether something is to be tried now."""
    return not now < not_before <= now + LONGEST


def due_rows(not_before: Any, now: datetime) -> ColumnElement[bool]:
    """Return :func:`is_due` as the condition of a query; ``not_before`` is the column."""
    return or_(not_before <= now, not_before > now + LONGEST)

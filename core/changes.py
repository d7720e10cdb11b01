"""Notice when this process changes rows of some tables, for answers that are kept a moment.

What is read once for many residents must be read again as soon as it changes.
"""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

_CHANGED = "todoke_changed"
_counts: dict[type, int] = {}


class Changes:
    """Counts the commits of this process that changed rows of ``tables``."""

    def __init__(self, *tables: type) -> None:
        self._tables = tables
        for table in tables:
            _counts.setdefault(table, 0)

    @property
    def count(self) -> int:
        return sum(_counts[table] for table in self._tables)


def _note(session: Session, table: type) -> None:
    if table in _counts:
        session.info.setdefault(_CHANGED, set()).add(table)


@event.listens_for(Session, "after_flush")
def _flushed(session: Session, _context: object) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        _note(session, type(row))


@event.listens_for(Session, "do_orm_execute")
def _executed(state: ORMExecuteState) -> None:
    mapper = None if state.is_select else state.bind_mapper
    if mapper is not None:
        _note(state.session, mapper.class_)


@event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    if not session.in_nested_transaction():
        for table in session.info.pop(_CHANGED, ()):
            _counts[table] += 1

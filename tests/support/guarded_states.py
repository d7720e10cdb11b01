"""Check that no state is written without a look at the old one.

Two people decide at once, on PostgreSQL in two transactions that do not see each other. Whoever
writes a state therefore either names the old one in the UPDATE (and looks how many rows that
hit), or read the row with ``FOR UPDATE`` in the same transaction. An object that was read before,
without the lock, and is only found again by a locked query keeps what it had: that does not count.

The check reads statements, so it needs no second person and no PostgreSQL to find a fault. It
cannot see whether the number of rows is checked; ``tests/console/test_races.py`` and the tests of
each package test that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import greenlet
from sqlalchemy import Enum, Update, event, inspect
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.sql import visitors
from sqlmodel import SQLModel

STATES: dict[str, frozenset[str]] = {
    "alert_drafts": frozenset({"version", "confirmed_by", "notice_id", "discarded_at"}),
    "batches": frozenset({"state"}),
    "chat_threads": frozenset({"state"}),
    "dangers": frozenset({"state", "version"}),
    "deliveries": frozenset({"state"}),
    "forwards": frozenset({"state", "settled_at"}),
    "household_cases": frozenset({"state", "version"}),
    "arrivals": frozenset({"state"}),
    "items": frozenset({"state"}),
    "known_audiences": frozenset({"state"}),
    "mail_signups": frozenset({"state"}),
    "news": frozenset({"state", "version", "approved_by"}),
    "notices": frozenset({"decision"}),
    "photo_addresses": frozenset({"state"}),
    "report_exports": frozenset({"state"}),
    "reports": frozenset({"state", "department"}),
    "rule_versions": frozenset({"confirmed_at", "ended_at"}),
    "shelter_statuses": frozenset({"state"}),
    "residents": frozenset({"state"}),
    "restore_holds": frozenset({"seen_at"}),
    "staff_messages": frozenset({"state"}),
    "staff_notices": frozenset({"state"}),
    "passkeys": frozenset({"sign_count"}),
    "staff": frozenset(
        {
            *("roles", "active", "session_version", "password_hash", "totp_secret"),
            *("closed_at", "promotion_asked_by", "provider_subject"),
        }
    ),
    "tasks": frozenset({"state", "version"}),
    "unknown_sends": frozenset({"state"}),
    "webhook_events": frozenset({"state"}),
    "webhook_messages": frozenset({"state"}),
}
"""The columns that decide what may be done next with a row."""

NOT_STATES = {
    ("alert_drafts", "status"): "what the draft says; guarded by its version",
    ("news", "repeat"): "what the news says; guarded by its version",
    ("news", "when_"): "what the news says; guarded by its version",
    ("surveys", "seen_by"): "what the survey says; guarded by its message's version",
    ("photo_addresses", "role"): "set when the row is made",
    ("arrivals", "kind"): "never changes",
    ("chat_messages", "side"): "never changes",
    ("deliveries", "kind"): "never changes",
    ("forwards", "way"): "never changes",
    ("household_answers", "condition"): "what a household said; its row is locked meanwhile",
    ("household_answers", "whereabouts"): "what a household said; its row is locked meanwhile",
    ("household_notes", "step"): "a line of a history; never changes",
    ("household_needs", "need"): "never changes",
    ("lifelines", "kind"): "never changes",
    ("lifelines", "state"): "what staff say last; the row is locked meanwhile",
    ("notices", "status"): "what the notice says; never changes once stored",
    ("photos", "role"): "never changes",
    ("report_updates", "state"): "a line of a history; never changes",
    ("shelter_acts", "kind"): "never changes",
    ("task_notes", "state"): "a line of a history; never changes",
    ("reports", "came_by"): "never changes",
    ("work_order_items", "outcome"): "what a crew said last; its order is locked meanwhile",
    ("work_orders", "kind"): "never changes",
    ("teams", "kind"): "decides nothing",
    ("rule_versions", "trial_state"): "how far a trial is; it decides nothing by itself",
    ("variants", "wording"): "never changes",
    ("staff_messages", "way"): "never changes",
    ("staff_notices", "way"): "never changes",
    ("report_alarms", "chat_form"): "what somebody chose last; guarded by its version",
    ("report_alarms", "rhythm"): "what somebody chose last; guarded by its version",
    ("called_members", "answer"): "what somebody said; a later answer replaces it",
    ("unknown_sends", "way"): "written together with the state",
}

_HELD = "todoke_rows_held"
_WRITERS = "todoke_state_writers"
_NO_CODE_OF_OURS = ("/lib/python", "support/guarded_states", "/core/database.py", "<")


def enumerated() -> set[tuple[str, str]]:
    """Return every column that holds one of a few named values."""
    return {
        (table.name, column.name)
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Enum)
    }


class Watch:
    """The results; ``faults`` has a sentence for each unguarded write.

    Initial writes of a test are not checked.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []

    @contextmanager
    def on(self) -> Iterator[Watch]:
        listeners: list[tuple[Any, str, Any]] = [
            (Mapper, "load", self._loaded),
            (Mapper, "refresh", self._refreshed),
            (Session, "pending_to_persistent", _hold),
            (Session, "before_flush", self._flush),
            (Session, "after_transaction_end", self._ended),
            (Engine, "before_execute", self._execute),
        ]
        for mapper in SQLModel._sa_registry.mappers:
            table = getattr(mapper.local_table, "name", "")
            listeners += [
                (getattr(mapper.class_, name), "set", self._set) for name in STATES.get(table, ())
            ]
        for listener in listeners:
            event.listen(*listener)
        try:
            yield self
        finally:
            for listener in listeners:
                event.remove(*listener)

    def _set(self, target: Any, _value: Any, _old: Any, initiator: Any) -> None:
        inspect(target).info.setdefault(_WRITERS, {})[initiator.key] = _place()

    def _loaded(self, target: Any, context: Any) -> None:
        lock = getattr(getattr(context, "query", None), "_for_update_arg", None)
        if lock is not None and not lock.read:
            _hold(context.session, target)

    def _refreshed(self, target: Any, context: Any, _attributes: Any) -> None:
        self._loaded(target, context)

    def _ended(self, session: Session, transaction: Any) -> None:
        if transaction.parent is None:
            session.info.pop(_HELD, None)

    def _flush(self, session: Session, _context: Any, _instances: Any) -> None:
        held = session.info.get(_HELD, {})
        for row in session.dirty:
            table = str(getattr(row, "__tablename__", ""))
            state = inspect(row)
            if id(row) in held:
                continue
            for name in sorted(STATES.get(table, ())):
                writer = state.info.get(_WRITERS, {}).get(name, "")
                if state.attrs[name].history.has_changes() and "/tests/" not in writer:
                    self.faults.append(f"{writer}: {table}.{name} is written without the lock")

    def _execute(self, _connection: Any, statement: Any, *_rest: Any) -> None:
        if not isinstance(statement, Update) or not statement._values:
            return  # the unit of work's own, which names no values: see _flush
        table = str(getattr(statement.table, "name", ""))
        written = {getattr(column, "name", str(column)) for column in statement._values}
        watched = STATES.get(table, frozenset()) & written
        named = set()
        if statement.whereclause is not None:
            named = {
                getattr(element, "name", "")
                for element in visitors.iterate(statement.whereclause)
                if getattr(getattr(element, "table", None), "name", "") == table
            }
        if watched and not named & watched and "/tests/" not in (place := _place()):
            self.faults.append(f"{place}: {table}.{min(watched)} is written whatever it was")


def _hold(session: Session | None, row: Any) -> None:
    if session is not None:
        # The row itself is kept: its id must not become another's.
        session.info.setdefault(_HELD, {})[id(row)] = row


def _place() -> str:
    """Return the innermost file and line of this project, across the switch that awaits make."""
    frame: FrameType | None = sys._getframe(1)
    here: Any = greenlet.getcurrent()
    while frame is not None or here.parent is not None:
        if frame is None:
            here = here.parent
            frame = here.gr_frame
            continue
        name = frame.f_code.co_filename
        if not any(part in name for part in _NO_CODE_OF_OURS):
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""

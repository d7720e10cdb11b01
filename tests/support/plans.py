"""Check the plan of each statement: none may read a whole table that grows.

A statement reads a whole table when its plan names neither a key nor an index to look in. It
may walk along an index, or the rows in order of their ids, when it takes the first some of them
and skips none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event, text
from sqlmodel import SQLModel

from core.database import Database

SMALL = frozenset(
    {
        "alert_template_versions",
        "alert_templates",
        "answer_template_versions",
        "answer_templates",
        "areas",
        "arrivals",
        "audience_bitmaps",
        "audience_troubles",
        "audit_checks",
        "call_ups",
        "channel_stops",
        "clock_marks",
        "day_figures",
        "draft_writers",
        "friend_counts",
        "hazard_states",
        "household_needs",
        "kind_versions",
        "known_audiences",
        "passkeys",
        "patrol_places",
        "quota_readings",
        "rate_shares",
        "rate_states",
        "report_alarms",
        "report_counters",
        "report_filters",
        "resident_changes",
        "restore_holds",
        "shelter_statuses",
        "sources",
        "staff_codes",
        "staff_line_links",
        "staff_members",
        "staff",
        "team_accounts",
        "teams",
        "webhook_messages",
        "webhooks",
        "word_versions",
    }
)
"""Tables that stay small however long a city uses Todoke: by its size, or emptied all the time."""
OF_FEW = frozenset(
    {
        "ix_alert_drafts_open",
        "ix_check_ins_counted",
        "ix_check_ins_open",
        "ix_reports_heard_dangerous",
        "ix_reports_said_no",
        "ix_staff_notices_due",
        "ix_deliveries_unfinished",
        "ix_disaster_modes_open",
        "ix_forwards_open",
        "ix_items_set_aside",
        "ix_menu_moves_open",
        "ix_news_being_written",
        "ix_news_planned",
        "ix_notices_held",
        "ix_photos_undecided",
        "ix_reports_open",
        "ix_kind_versions_in_force",
        "ix_rule_versions_in_force",
        "ix_staff_messages_open",
        "ix_work_order_items_said",
        "ix_webhook_events_open",
        "ix_word_versions_undone",
        "uq_channel_silences_open",
        "uq_chat_threads_open",
    }
)
"""Indexes of the few rows that still wait; all of them may be read."""
OF_MOST = frozenset(
    {
        "household_cases_pkey",
        "ix_deliveries_of_notices",
        "ix_reports_by_cell",
        "ix_reports_by_created",
        "ix_reports_public_by_created",
        "ix_reports_public_by_updated",
        "items_pkey",
        "reports_pkey",
    }
)
"""Indexes that may be walked along though a state is asked for, as nearly all rows are in it, or
words that a thousand reports are known to have.

A database chooses this only when its statistics say so.
"""
JOBS = "procrastinate_jobs"
"""The shared queue's own table, which our models do not know."""
READS = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
LIMIT = re.compile(r"\bLIMIT\b", re.IGNORECASE)


@dataclass
class Asked:
    """The statements that were recorded, each once, with the values of one call."""

    reads: dict[str, Any] = field(default_factory=dict)
    writes: dict[str, Any] = field(default_factory=dict)


@contextmanager
def listening(database: Database) -> Iterator[Asked]:
    """Record the statements that a database is asked."""
    asked = Asked()
    engine = database.engine.sync_engine

    def hear(
        _connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool
    ) -> None:
        if many:
            values = values[0]
        if READS.match(statement):
            asked.reads.setdefault(statement, values)
        elif not statement.lstrip().upper().startswith(("BEGIN", "PRAGMA", "SET", "EXPLAIN")):
            asked.writes.setdefault(statement, values)

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", hear)


async def whole_tables_read(database: Database, asked: Mapping[str, Any]) -> list[str]:
    """Return for each statement that reads a whole growing table the plan's line and its words.

    Parameters
    ----------
    asked
        Values by statement, as :class:`Asked` has them.
    """
    found: list[str] = []
    async with database.engine.connect() as connection:
        for statement, values in asked.items():
            lines = await connection.run_sync(_whole, statement, values)
            found += [f"{line}\n    {statement}" for line in lines]
    return found


def _whole(connection: Connection, statement: str, values: Any) -> list[str]:
    if connection.dialect.name == "sqlite":
        return list(_whole_sqlite(connection, statement, values))
    # With few rows all ways cost the same; so only those are left that are good with many.
    for way in ("seqscan", "hashjoin", "mergejoin"):
        connection.execute(text(f"SET LOCAL enable_{way} = off"))
    explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values)
    plan = explained.scalar_one()
    top = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return list(_whole_postgresql(top, limited=False))


def _grows(table: str) -> bool:
    return table == JOBS or (table in SQLModel.metadata.tables and table not in SMALL)


def _whole_sqlite(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    tables = _tables_of(statement)
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    # A step, the step that it is part of, and what it does; a question within one has its own sort.
    steps = [(row[1], str(row[3])) for row in rows]
    sorts = {part_of for part_of, line in steps if "TEMP B-TREE FOR ORDER BY" in line}
    for part_of, line in steps:
        named = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", line)
        if named is None or "VIRTUAL TABLE" in line:
            continue
        table, index = tables.get(named[1], named[1]), named[2]
        walks = part_of not in sorts and _walks(statement, index)
        if _grows(table) and index not in OF_FEW and not walks:
            yield line


def _tables_of(statement: str) -> dict[str, str]:
    """Return the table behind each name that a statement gives one."""
    given = re.findall(r"\b(?:FROM|JOIN) (\w+) AS (\w+)", statement, re.IGNORECASE)
    return {name: table for table, name in given}


def _walks(statement: str, index: str | None) -> bool:
    """Whether the first some rows are taken in an index's order, and none is skipped.

    A condition that makes the index partial skips none, nor does one that nearly all fulfil.
    """
    if not LIMIT.search(statement):
        return False
    conditions = statement.partition("WHERE")[2].partition("ORDER BY")[0].strip()
    return not conditions or index in OF_MOST


def _whole_postgresql(node: dict[str, Any], *, limited: bool) -> Iterator[str]:
    kind, table, index = node["Node Type"], node.get("Relation Name", ""), node.get("Index Name")
    looked_up = "Index Cond" in node or kind.startswith("Bitmap Heap")
    walks = limited and ("Filter" not in node or index in OF_MOST)
    if (
        kind != "ModifyTable"
        and _grows(table)
        and not looked_up
        and index not in OF_FEW
        and not walks
    ):
        yield f"{kind} on {table} using {index}, filter {node.get('Filter')}"
    # A sort or a sum below the limit reads all rows.
    passes = kind in ("Limit", "Nested Loop", "Subquery Scan", "LockRows", "Incremental Sort")
    for place, each in enumerate(node.get("Plans", ())):
        yield from _whole_postgresql(
            each, limited=passes and (limited or kind == "Limit") and place == 0
        )

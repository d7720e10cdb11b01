"""What ``reports.search`` searches in, which no table of a model can say."""

from __future__ import annotations

from typing import Any

from sqlalchemy import DDL, Table, event

from reports.models.report import Report

_ROW_WORDS = (
    "{row}.number || char(10) || {row}.address || char(10) || {row}.description "
    "|| char(10) || char(10)"
)
_ADD = (
    "INSERT INTO report_search (rowid, words) "  # noqa: S608 - all of it ours
    f"VALUES (new.id, {_ROW_WORDS.format(row='new')})"
)
_REMOVE = (
    "INSERT INTO report_search (report_search, rowid, words) "  # noqa: S608 - all of it ours
    f"VALUES ('delete', old.id, {_ROW_WORDS.format(row='old')})"
)
SEARCH_SQLITE = (
    "CREATE VIRTUAL TABLE report_search USING fts5(words, content='', tokenize='trigram')",
    "CREATE VIRTUAL TABLE report_search_terms USING fts5vocab('report_search', 'row')",
    f"CREATE TRIGGER report_search_added AFTER INSERT ON reports BEGIN {_ADD}; END",
    f"CREATE TRIGGER report_search_removed AFTER DELETE ON reports BEGIN {_REMOVE}; END",
    "CREATE TRIGGER report_search_changed AFTER UPDATE OF number, address, description "
    f"ON reports BEGIN {_REMOVE}; {_ADD}; END",
)
SEARCH_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION report_grams(number text, address text, description text) "
    "RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS $$ "
    "SELECT coalesce(array_agg(DISTINCT substr(words, place, size)), '{}') "
    "FROM (SELECT lower(number || chr(10) || address || chr(10) || description)) "
    "AS all_of (words), "
    "generate_series(1, length(words)) AS place, generate_series(1, 2) AS size $$",
    "CREATE INDEX report_search ON reports "
    "USING gin (report_grams(number, address, description)) WITH (fastupdate = off)",
)


def _ddl(statement: str, dialect: str) -> Any:
    make: Any = DDL
    return make(statement).execute_if(dialect=dialect)


_reports: Table = Report.__table__  # type: ignore[attr-defined]
for statement in SEARCH_SQLITE:
    event.listen(_reports, "after_create", _ddl(statement, "sqlite"))
for statement in SEARCH_POSTGRESQL:
    event.listen(_reports, "after_create", _ddl(statement, "postgresql"))

"""Indexes for the pages of a city with years of reports, notices and deliveries.

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WORDS = (
    "{row}.number || char(10) || {row}.address || char(10) || {row}.description "
    "|| char(10) || char(10)"
)
ADD = f"INSERT INTO report_search (rowid, words) VALUES (new.id, {WORDS.format(row='new')})"
REMOVE = (
    "INSERT INTO report_search (report_search, rowid, words) "
    f"VALUES ('delete', old.id, {WORDS.format(row='old')})"
)


def upgrade() -> None:
    for name in ("ix_reports_state", "ix_reports_area", "ix_reports_created_at"):
        op.drop_index(name, "reports")
    for name in ("state", "category", "department", "area"):
        op.create_index(f"ix_reports_by_{name}", "reports", [name, "created_at", "id"])
    op.create_index("ix_reports_by_created", "reports", ["created_at", "id"])
    op.drop_index("ix_items_state", "items")
    op.create_index("ix_items_by_state", "items", ["state", "id"])
    _partial("ix_deliveries_of_notices", "deliveries", ["id"], "notice_id IS NOT NULL")
    unfinished = "state IN ('planned', 'sending', 'paused')"
    _partial("ix_deliveries_unfinished", "deliveries", ["priority", "id"], unfinished)
    _partial("ix_items_set_aside", "items", ["source"], "state = 'set-aside'")
    _partial("ix_notices_held", "notices", ["id"], "decision = 'hold'")
    _partial(
        "ix_alert_drafts_open",
        "alert_drafts",
        ["updated_at"],
        "notice_id IS NULL AND discarded_at IS NULL",
    )
    op.create_index("ix_alert_drafts_discarded_at", "alert_drafts", ["discarded_at"])
    if op.get_bind().dialect.name == "sqlite":
        _search_sqlite()
    else:
        _search_postgresql()
    op.execute("ANALYZE reports")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _search_sqlite() -> None:
    op.execute(
        "CREATE VIRTUAL TABLE report_search USING fts5(words, content='', tokenize='trigram')"
    )
    op.execute("CREATE VIRTUAL TABLE report_search_terms USING fts5vocab('report_search', 'row')")
    op.execute(
        "INSERT INTO report_search (rowid, words) "
        f"SELECT reports.id, {WORDS.format(row='reports')} FROM reports"
    )
    op.execute(f"CREATE TRIGGER report_search_added AFTER INSERT ON reports BEGIN {ADD}; END")
    op.execute(f"CREATE TRIGGER report_search_removed AFTER DELETE ON reports BEGIN {REMOVE}; END")
    op.execute(
        "CREATE TRIGGER report_search_changed AFTER UPDATE OF number, address, description "
        f"ON reports BEGIN {REMOVE}; {ADD}; END"
    )


def _search_postgresql() -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION report_grams(number text, address text, description text) "
        "RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS $$ "
        "SELECT coalesce(array_agg(DISTINCT substr(words, place, size)), '{}') "
        "FROM (SELECT lower(number || chr(10) || address || chr(10) || description)) "
        "AS all_of (words), "
        "generate_series(1, length(words)) AS place, generate_series(1, 2) AS size $$"
    )
    op.execute(
        "CREATE INDEX report_search ON reports "
        "USING gin (report_grams(number, address, description)) WITH (fastupdate = off)"
    )

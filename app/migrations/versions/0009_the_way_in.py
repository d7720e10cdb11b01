"""Indexes for the queries of the inbox, the conversation and the queue.

Open events are found by bucket; on SQLite all are in the first. Settled events need no bucket, so
only open ones get one, and the upgrade is quick for every size of the table.

Revision: 0009
Follows: 0008
"""

from zlib import crc32

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BUCKETS = 4
"""On PostgreSQL."""


def upgrade() -> None:
    op.add_column(
        "webhook_events",
        sa.Column("bucket", sa.SmallInteger(), server_default="0", nullable=False),
    )
    op.drop_index("ix_webhook_events_due", "webhook_events")
    _partial(
        "ix_webhook_events_open",
        "webhook_events",
        ["bucket", "timestamp_ms", "id"],
        "state IN ('waiting', 'answering')",
    )
    _partial(
        "ix_webhook_events_turns",
        "webhook_events",
        ["line_user_id", "timestamp_ms"],
        "kind IN ('follow', 'unfollow', 'unsend')",
    )
    op.create_index("ix_notices_reported_at", "notices", ["reported_at"])
    _partial("ix_notices_of_agencies", "notices", ["kind", "reported_at"], "hazard <> ''")
    op.create_index("ix_reports_position", "reports", ["latitude", "longitude"])
    if op.get_bind().dialect.name == "postgresql":
        _put_open_events_into_buckets()
        # Without it, each query for the next job scans all waiting jobs for each of them.
        op.execute(
            "CREATE INDEX IF NOT EXISTS procrastinate_jobs_todoke_lock_idx "
            "ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing')"
        )


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _put_open_events_into_buckets() -> None:
    connection = op.get_bind()
    users = connection.execute(
        sa.text(
            "SELECT DISTINCT line_user_id FROM webhook_events "
            "WHERE state IN ('waiting', 'answering') AND line_user_id IS NOT NULL"
        )
    ).scalars()
    found = [{"user": user, "bucket": crc32(user.encode()) % BUCKETS} for user in users]
    if found:
        connection.execute(
            sa.text(
                "UPDATE webhook_events SET bucket = :bucket WHERE line_user_id = :user "
                "AND state IN ('waiting', 'answering')"
            ),
            found,
        )

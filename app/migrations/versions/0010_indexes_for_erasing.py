"""Indexes by which rows are erased: foreign keys, and what retention looks for.

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ALONE = sa.text("size = 1")
HAS_LEFT = sa.text("left_at IS NOT NULL")
FULL = sa.text("state = 'done' AND kind <> 'rss' AND length(payload) > 0")


def upgrade() -> None:
    for table, column in (
        ("batches", "variant_id"),
        ("notices", "source"),
        ("hazard_states", "notice_id"),
        ("alert_drafts", "replaces_id"),
        ("alert_drafts", "notice_id"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column])
    for name, table, column, where in (
        ("ix_batches_alone", "batches", "members", ALONE),
        ("ix_residents_left", "residents", "left_at", HAS_LEFT),
        ("ix_items_full", "items", "fetched_at", FULL),
    ):
        op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)

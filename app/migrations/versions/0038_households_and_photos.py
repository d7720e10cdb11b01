"""What pages ask most of households and of photos is found by indexes alone.

Revision: 0038
Follows: 0037
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

NEWEST: dict[str, Any] = {"sqlite_where": sa.text("newest = 1"), "postgresql_where": sa.text("newest")}
STILL_THERE: dict[str, Any] = {
    "sqlite_where": sa.text("out_at IS NULL"),
    "postgresql_where": sa.text("out_at IS NULL"),
}


def upgrade() -> None:
    op.drop_index("ix_household_answers_counted", "household_answers")
    op.create_index(
        "ix_household_answers_counted",
        "household_answers",
        ["drill", "area", "shelter", "condition", "people", "newest"],
        **NEWEST,
    )
    op.create_index(
        "ix_household_answers_heads",
        "household_answers",
        ["resident_id", "drill", "people", "newest"],
        **NEWEST,
    )
    op.create_index(
        "ix_check_ins_counted",
        "check_ins",
        ["drill", "shelter", "resident_id", "out_at"],
        **STILL_THERE,
    )
    undecided = sa.text("released_at IS NULL AND NOT kept_private")
    op.create_index(
        "ix_photos_undecided",
        "photos",
        ["created_at"],
        sqlite_where=undecided,
        postgresql_where=undecided,
    )

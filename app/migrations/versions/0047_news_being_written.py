"""Indexes of news that somebody works on, and of news that was thrown away.

Revision: 0047
Follows: 0046
"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    being_written = sa.text("state IN ('draft', 'asked', 'missed') AND discarded_at IS NULL")
    thrown_away = sa.text("discarded_at IS NOT NULL")
    op.create_index(
        "ix_news_being_written",
        "news",
        ["updated_at", "id"],
        sqlite_where=being_written,
        postgresql_where=being_written,
    )
    op.create_index(
        "ix_news_thrown_away",
        "news",
        ["discarded_at", "id"],
        sqlite_where=thrown_away,
        postgresql_where=thrown_away,
    )

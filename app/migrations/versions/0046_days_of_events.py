"""On which day the event of a notice takes place.

Revision: 0046
Follows: 0045
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notices", sa.Column("begins_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("notices", sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "notices",
        sa.Column("whole_day", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
    dated = sa.text("begins_at IS NOT NULL")
    op.create_index(
        "ix_notices_of_events",
        "notices",
        ["begins_at"],
        sqlite_where=dated,
        postgresql_where=dated,
    )
    op.add_column(
        "alert_drafts", sa.Column("event", sa.JSON(), nullable=False, server_default="{}")
    )

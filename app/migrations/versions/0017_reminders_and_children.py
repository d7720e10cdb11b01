"""When a resident wants reminders, and the months in which their children were born.

Revision: 0017
Follows: 0016
"""

import sqlalchemy as sa
from alembic import op

from subscriptions.models import RowId

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "residents",
        sa.Column("remind_in_morning", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "resident_children",
        sa.Column(
            "resident_id",
            RowId,
            sa.ForeignKey("residents.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("born", sa.String(7), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "born"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_resident_children_born", "resident_children", ["born", "resident_id"])
    # These notices were told in the digest; now reminders are messages of their own.
    op.execute(
        "UPDATE notices SET expires_at = created_at WHERE decided_by = 'rule:collection-day'"
    )

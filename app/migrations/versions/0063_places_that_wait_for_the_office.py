"""Places of work orders that wait for the office have an index of their own.

Revision: 0063
Follows: 0060
"""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    said = sa.text("outcome != 'waiting' AND settled_at IS NULL")
    op.create_index(
        "ix_work_order_items_said",
        "work_order_items",
        ["order_id"],
        sqlite_where=said,
        postgresql_where=said,
    )

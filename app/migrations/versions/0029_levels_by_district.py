"""One alert with several levels: which district has which.

Revision: 0029
Follows: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "alert_drafts", sa.Column("levels", sa.JSON(), nullable=False, server_default="{}")
    )
    op.add_column("deliveries", sa.Column("parts", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("deliveries", sa.Column("part", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("variants", sa.Column("part", sa.Integer(), nullable=False, server_default="0"))
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("notices", sa.Column("with_id", number, nullable=True))
    op.create_index("ix_notices_with_id", "notices", ["with_id"])

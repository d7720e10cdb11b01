"""What sources say of themselves: how old their newest word is, and how long they are silent.

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("sources") as sources:
        sources.add_column(sa.Column("said_at", sa.DateTime(timezone=True), nullable=True))
        sources.add_column(sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True))
        sources.add_column(sa.Column("usual_gap_s", sa.Float(), nullable=True))

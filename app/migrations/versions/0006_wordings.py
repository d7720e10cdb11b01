"""A follow-up says different things to different people: a variant has its wording.

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "variants",
        sa.Column("wording", sa.String(length=16), nullable=False, server_default="main"),
    )

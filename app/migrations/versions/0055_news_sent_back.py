"""Who sent news back to its writer instead of approving it, and why.

Revision: 0055
Follows: 0051
"""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("news", sa.Column("sent_back", sa.JSON(none_as_null=True), nullable=True))

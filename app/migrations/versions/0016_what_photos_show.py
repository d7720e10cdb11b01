"""What a photo of a report shows: the damage, its surroundings, or a later state.

Revision: 0016
Follows: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "photos", sa.Column("role", sa.String(16), nullable=False, server_default="near")
    )

"""LINE's message of a report's photos, place and words, and what was taken back.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COLUMNS = (
    ("reports", "place_message", 40),
    ("reports", "note_message", 40),
    ("photos", "message_id", 40),
    ("report_updates", "withdrawn", 16),
)


def upgrade() -> None:
    for table, column, length in COLUMNS:
        op.add_column(
            table, sa.Column(column, sa.String(length), nullable=False, server_default="")
        )

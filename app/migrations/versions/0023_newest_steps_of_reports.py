"""The newest steps of reports, for who wants to hear of repairs.

Revision: 0023
Follows: 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_report_updates_created_at", "report_updates", ["created_at"])

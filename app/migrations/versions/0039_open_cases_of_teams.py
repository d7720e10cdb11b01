"""A team's open cases are counted from an index alone.

Revision: 0039
Follows: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_open = sa.text("state IN ('new', 'accepted', 'in-progress')")
    op.create_index(
        "ix_reports_open_of_team",
        "reports",
        ["team_id", "case_id", "state"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )

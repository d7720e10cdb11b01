"""Who else owns a reported thing, who follows a report, and what residents tell of it later.

Revision: 0019
Follows: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("reports", sa.Column("owner", sa.String(32), nullable=False, server_default=""))
    op.add_column(
        "report_updates", sa.Column("added", sa.String(16), nullable=False, server_default="")
    )
    op.create_table(
        "report_followers",
        sa.Column("report_id", ROW, nullable=False),
        sa.Column("resident_id", ROW, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("report_id", "resident_id"),
    )
    op.create_index("ix_report_followers_resident_id", "report_followers", ["resident_id"])

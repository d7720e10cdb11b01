"""Daily figures, tallies of processes, LINE's units of statistics and its quota by day.

Revision: 0050
Follows: 0049
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "day_tallies",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "name", "key"),
    )
    op.create_table(
        "day_figures",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("line", sa.JSON(), nullable=False),
        sa.Column("counted_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "line_units",
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("notice_id", number, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=True),
        sa.Column("tapped", sa.Integer(), nullable=True),
        sa.Column("asked_on", sa.Date(), nullable=True),
        sa.Column("next_ask", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("name"),
    )
    for name in ("notice_id", "month", "next_ask"):
        op.create_index(f"ix_line_units_{name}", "line_units", [name])
    op.create_table(
        "quota_readings",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("read_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.add_column(
        "deliveries", sa.Column("unit", sa.String(length=30), server_default="", nullable=False)
    )

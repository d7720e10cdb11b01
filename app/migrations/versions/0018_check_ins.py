"""Check-ins at evacuation sites.

Revision: 0018
Follows: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("out_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "check_ins",
        sa.Column("id", ROW, nullable=False),
        sa.Column("resident_id", ROW, nullable=False),
        sa.Column("shelter", sa.String(length=64), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("out_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_check_ins_open",
        "check_ins",
        ["resident_id", "drill"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_check_ins_resident_id", "check_ins", ["resident_id"])
    op.create_index("ix_check_ins_in_at", "check_ins", ["in_at"])

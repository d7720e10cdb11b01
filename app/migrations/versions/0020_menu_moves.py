"""Residents whose menu must be changed for a disaster.

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TO_MOVE = sa.text("done_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "menu_moves",
        sa.Column("id", ROW, nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("through", ROW, nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_menu_moves_open",
        "menu_moves",
        ["id"],
        sqlite_where=TO_MOVE,
        postgresql_where=TO_MOVE,
    )

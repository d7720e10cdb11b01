"""Rules that staff lay over the folder's, and what a trial on the past needs.

Revision: 0027
Follows: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IN_FORCE = sa.text("confirmed_at IS NOT NULL AND ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "rule_versions",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=True),
        sa.Column("folder", sa.String(length=64), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trial_state", sa.String(length=16), nullable=False),
        sa.Column("trial_done", sa.Integer(), nullable=False),
        sa.Column("trial_of", sa.Integer(), nullable=False),
        sa.Column("trial_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trial", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_rule_versions_in_force",
        "rule_versions",
        ["id"],
        sqlite_where=IN_FORCE,
        postgresql_where=IN_FORCE,
    )
    op.add_column("items", sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "items",
        sa.Column("packed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("notices", sa.Column("standing", sa.JSON(), nullable=True))

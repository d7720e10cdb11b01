"""What staff lay over the files of the city's folder.

Revision: 0042
Follows: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "word_versions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("cells", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("of_folder", sa.Boolean(), nullable=False),
        sa.Column("holds_from", sa.Date(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("batch", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_word_versions_row", "word_versions", ["part", "key"])
    op.create_index("ix_word_versions_batch", "word_versions", ["batch"])
    undone = sa.text("undone_at IS NOT NULL")
    op.create_index(
        "ix_word_versions_undone",
        "word_versions",
        ["undone_at"],
        sqlite_where=undone,
        postgresql_where=undone,
    )

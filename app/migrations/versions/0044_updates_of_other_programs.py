"""Updates of other programs, keys of offices, exports that are written in the background.

Revision: 0044
Follows: 0043
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column(
        "api_keys", sa.Column("owner", sa.String(length=32), nullable=False, server_default="")
    )
    op.add_column(
        "photo_addresses",
        sa.Column("role", sa.String(length=16), nullable=False, server_default="near"),
    )
    op.add_column("report_updates", sa.Column("origin", sa.String(length=64), nullable=True))
    posted = sa.text("origin IS NOT NULL")
    op.create_index(
        "uq_report_updates_origin",
        "report_updates",
        ["origin"],
        unique=True,
        sqlite_where=posted,
        postgresql_where=posted,
    )
    op.add_column("reports", sa.Column("api_key_id", row_id, nullable=True))
    connection = op.get_bind()
    for (key,) in connection.execute(sa.text("SELECT id FROM api_keys")).all():
        connection.execute(
            sa.text("UPDATE reports SET api_key_id = :key WHERE origin LIKE :name"),
            {"key": key, "name": f"open311:{key}:%"},
        )
    came_with_key = sa.text("api_key_id IS NOT NULL")
    op.create_index(
        "ix_reports_api_key_id",
        "reports",
        ["api_key_id"],
        sqlite_where=came_with_key,
        postgresql_where=came_with_key,
    )
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "report_exports",
        sa.Column("id", row_id, nullable=False),
        sa.Column("account", sa.String(length=254), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_report_exports_account", "report_exports", ["account", "id"])
    op.create_index("ix_report_exports_created_at", "report_exports", ["created_at"])

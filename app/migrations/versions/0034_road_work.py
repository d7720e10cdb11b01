"""Cases, work and answers of the road department.

Revision: 0034
Follows: 0033
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _teams()
    _reports()


def _teams() -> None:
    op.create_table(
        "teams",
        sa.Column("id", ROW, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("department", sa.String(length=32), nullable=False),
        sa.Column("mail", sa.String(length=254), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def _reports() -> None:
    _add(
        "reports",
        _text("road", 80),
        _text("road_class", 16),
        sa.Column("is_home", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false()),
        _text("japanese"),
        _text("translated_by", 40),
        sa.Column("attributes", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("came_by", sa.String(length=16), nullable=False, server_default="line"),
        sa.Column("reporters", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("photo_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="3"),
        sa.Column("priority_why", sa.JSON(), nullable=False, server_default="[]"),
        _text("priority_by"),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("opened_at", MOMENT, nullable=True),
        _text("opened_by"),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("began_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("judged", sa.Boolean(), nullable=True),
    )
    # Without a foreign key: SQLite adds one only by making the table anew. Neither table loses rows.
    for name in ("case_id", "team_id"):
        op.add_column("reports", sa.Column(name, ROW, nullable=True))
        op.create_index(f"ix_reports_{name}", "reports", [name])
    _add(
        "photos",
        sa.Column("dhash", sa.BigInteger(), nullable=True),
        sa.Column("released_at", MOMENT, nullable=True),
        _text("released_by"),
        _text("public_sha256", 64),
    )
    op.create_index("ix_photos_public_sha256", "photos", ["public_sha256"])
    _add(
        "report_updates",
        _text("reason", 32),
        sa.Column("told", sa.Integer(), nullable=False, server_default="0"),
    )
    _fill()


def _text(name: str, length: int | None = None) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length=length), nullable=False, server_default="")


def _add(table: str, *columns: "sa.Column[Any]") -> None:
    for column in columns:
        op.add_column(table, column)


def _fill() -> None:
    """Work out from what is there what the new columns say of older reports."""
    for statement in (
        "UPDATE reports SET photo_count = "
        "(SELECT count(*) FROM photos WHERE photos.report_id = reports.id)",
        "UPDATE reports SET reporters = 1 + "
        "(SELECT count(*) FROM report_followers WHERE report_followers.report_id = reports.id)",
        "UPDATE reports SET came_by = 'open311' WHERE origin LIKE 'open311:%'",
        *(
            f"UPDATE reports SET {column} = (SELECT min(created_at) FROM report_updates "
            f"WHERE report_updates.report_id = reports.id AND report_updates.state = '{state}')"
            for column, state in (("accepted_at", "accepted"), ("began_at", "in-progress"))
        ),
        "UPDATE reports SET ended_at = (SELECT max(created_at) FROM report_updates "
        "WHERE report_updates.report_id = reports.id AND report_updates.state = reports.state) "
        "WHERE state IN ('done', 'declined', 'withdrawn')",
        "UPDATE reports SET opened_at = (SELECT min(created_at) FROM report_updates "
        'WHERE report_updates.report_id = reports.id AND report_updates."by" <> \'resident\')',
    ):
        op.execute(statement)

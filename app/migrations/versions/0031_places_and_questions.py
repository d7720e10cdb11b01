"""The cells of reports' places, for their map, and how often residents ask what.

Revision: 0031
Follows: 0030
"""

import sqlalchemy as sa
from alembic import op

from core.cells import cell_of

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

PART = 5_000


def upgrade() -> None:
    op.create_table(
        "asked_counts",
        sa.Column("slot", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("intent", sa.String(32), primary_key=True),
        sa.Column("bucket", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
    )
    op.add_column("reports", sa.Column("cell", sa.BigInteger(), nullable=True))
    _place(op.get_bind())
    op.create_index(
        "ix_reports_by_cell",
        "reports",
        [
            *("cell", "state", "category", "department", "area", "created_at"),
            *("longitude", "latitude", "id"),
        ],
    )


def _place(connection: sa.Connection) -> None:
    """Give every report with a position its cell, in parts."""
    last = 0
    while True:
        rows = connection.execute(
            sa.text(
                "SELECT id, longitude, latitude FROM reports WHERE id > :last "
                "ORDER BY id LIMIT :part"
            ),
            {"last": last, "part": PART},
        ).all()
        if not rows:
            return
        last = rows[-1][0]
        placed = [
            {"number": number, "cell": cell_of(longitude, latitude)}
            for number, longitude, latitude in rows
            if longitude is not None and latitude is not None
        ]
        if placed:
            connection.execute(
                sa.text("UPDATE reports SET cell = :cell WHERE id = :number"), placed
            )

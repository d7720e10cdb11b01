"""Webhooks that go to another vendor's service on the same channel.

Revision: 0051
Follows: 0047
"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "relay_bodies",
        sa.Column("id", row_id, nullable=False, autoincrement=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", moment, nullable=True),
        sa.Column("received_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "relay_events",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("body_id", row_id, nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=True),
        sa.Column("theirs", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["body_id"], ["relay_bodies.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("ix_relay_events_body_id", "relay_events", ["body_id"])
    op.create_index("ix_relay_events_sender", "relay_events", ["sender"])
    op.create_table(
        "relay_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("resting_until", moment, nullable=True),
        sa.Column("told_at", moment, nullable=True),
        sa.Column("worked_at", moment, nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )

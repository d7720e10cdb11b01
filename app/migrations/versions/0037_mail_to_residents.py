"""Mail to residents: addresses that fail, who asked to follow, how far the mailbox was read.

Revision: 0037
Follows: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
IS_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.create_table(
        "mail_failures",
        sa.Column("resident_id", ROW, nullable=False),
        sa.Column("hard", sa.Integer(), nullable=False),
        sa.Column("hard_since", TIME, nullable=True),
        sa.Column("soft", sa.Integer(), nullable=False),
        sa.Column("soft_since", TIME, nullable=True),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("ended_by", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("resident_id"),
    )
    op.create_table(
        "mail_signups",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("network_hash", sa.String(64), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("answer_to", sa.String(), nullable=False),
        sa.Column("stop", sa.Boolean(), nullable=False),
        sa.Column("retry_key", sa.String(36), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_mail_signups_address", "mail_signups", ["address_hash", "asked_at"])
    op.create_index("ix_mail_signups_network", "mail_signups", ["network_hash", "asked_at"])
    op.create_index("ix_mail_signups_asked_at", "mail_signups", ["asked_at"])
    op.create_index(
        "ix_mail_signups_waiting",
        "mail_signups",
        ["not_before"],
        sqlite_where=IS_WAITING,
        postgresql_where=IS_WAITING,
    )
    op.create_table(
        "mail_box_positions",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("position", sa.String(), nullable=False),
        sa.Column("read_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )

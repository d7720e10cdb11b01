"""Staff who can be called, the messages to them, and call-ups with their answers.

Revision: 0028
Follows: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("state IN ('waiting', 'trying')")
HAS_MAIL, HAS_ACCOUNT = sa.text("mail <> ''"), sa.text("account <> ''")


def upgrade() -> None:
    op.create_table(
        "staff_members",
        sa.Column("id", ROW, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("department", sa.String(length=32), nullable=False),
        sa.Column("team", sa.String(length=32), nullable=False),
        sa.Column("mail", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=254), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_staff_members_account",
        "staff_members",
        ["account"],
        unique=True,
        sqlite_where=HAS_ACCOUNT,
        postgresql_where=HAS_ACCOUNT,
    )
    op.create_index("ix_staff_members_department", "staff_members", ["department", "name"])
    op.create_index(
        "ix_staff_members_mail",
        "staff_members",
        ["mail"],
        unique=True,
        sqlite_where=HAS_MAIL,
        postgresql_where=HAS_MAIL,
    )
    op.create_table(
        "staff_line_links",
        sa.Column("member_id", ROW, nullable=False),
        sa.Column("line_user_id", sa.String(length=64), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member_id"),
        sa.UniqueConstraint("line_user_id"),
    )
    op.create_table(
        "staff_codes",
        sa.Column("member_id", ROW, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=32), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member_id"),
        sa.UniqueConstraint("code_hash"),
    )
    op.create_table(
        "staff_code_tries",
        sa.Column("id", ROW, nullable=False),
        sa.Column("user_hash", sa.String(length=64), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_staff_code_tries_tried_at", "staff_code_tries", ["tried_at"])
    op.create_index("ix_staff_code_tries_user", "staff_code_tries", ["user_hash", "tried_at"])
    op.create_table(
        "staff_messages",
        sa.Column("id", ROW, nullable=False),
        sa.Column("member_id", ROW, nullable=False),
        sa.Column("occasion", sa.String(length=96), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("retry_key", sa.String(length=36), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("occasion", "member_id", "way", name="uq_staff_messages_occasion"),
        sa.UniqueConstraint("retry_key"),
    )
    op.create_index("ix_staff_messages_about", "staff_messages", ["about", "member_id"])
    op.create_index("ix_staff_messages_created_at", "staff_messages", ["created_at"])
    op.create_index("ix_staff_messages_member_id", "staff_messages", ["member_id"])
    op.create_index(
        "ix_staff_messages_open",
        "staff_messages",
        ["not_before"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "call_ups",
        sa.Column("id", ROW, nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("departments", sa.JSON(), nullable=False),
        sa.Column("teams", sa.JSON(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=160), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_by", sa.String(), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event", "drill", name="uq_call_ups_event"),
    )
    op.create_index("ix_call_ups_began_at", "call_ups", ["began_at"])
    op.create_table(
        "called_members",
        sa.Column("call_up_id", ROW, nullable=False),
        sa.Column("member_id", ROW, nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["call_up_id"], ["call_ups.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call_up_id", "member_id"),
    )
    op.create_index("ix_called_members_member_id", "called_members", ["member_id"])

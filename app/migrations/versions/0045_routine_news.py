"""Routine news of staff: written, planned, sent; its pictures.

Revision: 0045
Follows: 0044
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.add_column("notices", sa.Column("news", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "news_pictures",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=22), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "news",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("whole_city", sa.Boolean(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("segment", sa.JSON(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("as_text", sa.Boolean(), nullable=False),
        sa.Column("picture_id", number, nullable=True),
        sa.Column("alts", sa.JSON(), nullable=False),
        sa.Column("when_", sa.String(length=16), nullable=False),
        sa.Column("send_at", moment, nullable=True),
        sa.Column("repeat", sa.String(length=16), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("next_at", moment, nullable=True),
        sa.Column("media", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("replaces_id", number, nullable=True),
        sa.Column("from_notice_id", number, nullable=True),
        sa.Column("engines", sa.JSON(), nullable=False),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.Column("edited_by", sa.String(), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("approved_at", moment, nullable=True),
        sa.Column("discarded_at", moment, nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["picture_id"], ["news_pictures.id"]),
        sa.ForeignKeyConstraint(["replaces_id"], ["notices.id"]),
        sa.ForeignKeyConstraint(["from_notice_id"], ["notices.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    waits = sa.text("state = 'planned'")
    op.create_index(
        "ix_news_planned", "news", ["next_at"], sqlite_where=waits, postgresql_where=waits
    )
    op.create_index("ix_news_updated", "news", ["updated_at"])
    for name in ("picture_id", "replaces_id", "from_notice_id"):
        op.create_index(f"ix_news_{name}", "news", [name])
    op.create_table(
        "news_sendings",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("news_id", number, nullable=False),
        sa.Column("planned_at", moment, nullable=False),
        sa.Column("notice_id", number, nullable=False),
        sa.Column("sent_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["news_id"], ["news.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("news_id", "planned_at"),
    )
    op.create_index("ix_news_sendings_notice_id", "news_sendings", ["notice_id"])
    op.create_index("ix_news_sendings_sent_at", "news_sendings", ["sent_at"])

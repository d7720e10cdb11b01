"""Decisions on what residents asked in vain, whose answers become the city's own words; threads of
residents with the desk.

Revision: 0049
Follows: 0055
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0055"
branch_labels = None
depends_on = None

JAPAN = ZoneInfo("Asia/Tokyo")
ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("asker", sa.SmallInteger(), nullable=True),
        sa.Column("answer_key", sa.String(length=60), nullable=True),
        sa.Column("dismissed", sa.String(length=200), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("asked_questions", column)
    _answers_to_words()
    op.drop_table("staff_answers")
    _threads()


def _threads() -> None:
    op.create_table(
        "chat_threads",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("resident_id", ROW, nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("taken_by", sa.String(length=254), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alarmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=254), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    is_open = sa.text("state IN ('waiting', 'taken')")
    op.create_index(
        "uq_chat_threads_open",
        "chat_threads",
        ["resident_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_chat_threads_resident", "chat_threads", ["resident_id"])
    op.create_index("ix_chat_threads_closed", "chat_threads", ["closed_at"])
    op.create_table(
        "chat_messages",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("thread_id", ROW, nullable=False),
        sa.Column("side", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=254), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("japanese", sa.String(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("translated_by", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("delivery_id", ROW, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["chat_threads.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("thread_id", "key", name="uq_chat_messages_key"),
    )
    op.create_index("ix_chat_messages_sha256", "chat_messages", ["sha256"])
    op.create_index("ix_chat_messages_delivery_id", "chat_messages", ["delivery_id"])


def _answers_to_words() -> None:
    """What residents typed is not taken over: it was to be erased in time."""
    connection = op.get_bind()
    answers = sa.table(
        "staff_answers",
        sa.column("id", sa.BigInteger()),
        sa.column("texts", sa.JSON()),
        sa.column("link", sa.String()),
        sa.column("written_by", sa.String()),
        sa.column("written_at", sa.DateTime(timezone=True)),
        sa.column("withdrawn_at", sa.DateTime(timezone=True)),
    )
    versions = sa.table(
        "word_versions",
        sa.column("part", sa.String()),
        sa.column("key", sa.String()),
        sa.column("cells", sa.JSON()),
        sa.column("of_folder", sa.Boolean()),
        sa.column("holds_from", sa.Date()),
        sa.column("note", sa.String()),
        sa.column("batch", sa.String()),
        sa.column("by", sa.String()),
        sa.column("at", sa.DateTime(timezone=True)),
    )
    rows = []
    for one in connection.execute(
        sa.select(answers).where(answers.c.withdrawn_at.is_(None)).order_by(answers.c.id)
    ):
        key = f"staff-{one.id}"
        cells = {"名前": key}
        for language, words in one.texts.items():
            end = "" if language == "ja" else f"_{language}"
            more = f"\n\n{one.link}" if one.link else ""
            cells |= {f"質問{end}": words["question"], f"回答{end}": words["text"] + more}
        rows.append(
            {
                "part": "questions",
                "key": key,
                "cells": cells,
                "of_folder": False,
                "holds_from": _day(one.written_at),
                "note": "",
                "batch": "",
                "by": one.written_by,
                "at": one.written_at,
            }
        )
    if rows:
        connection.execute(sa.insert(versions), rows)


def _day(moment: datetime) -> object:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("UTC"))
    return aware.astimezone(JAPAN).date()

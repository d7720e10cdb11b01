"""Disaster mode, and what households say in it.

Revision: 0015
Follows: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN, NEWEST = sa.text("ended_at IS NULL"), sa.text("newest")


def upgrade() -> None:
    op.create_table(
        "disaster_modes",
        sa.Column("id", ROW, nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("areas", sa.JSON(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_by", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_disaster_modes_open",
        "disaster_modes",
        ["drill"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "household_answers",
        sa.Column("id", ROW, nullable=False),
        sa.Column("resident_id", ROW, nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("told_ms", sa.BigInteger(), nullable=False),
        sa.Column("newest", sa.Boolean(), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("condition", sa.String(length=16), nullable=False),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("whereabouts", sa.String(length=16), nullable=True),
        sa.Column("area", sa.String(length=32), nullable=True),
        sa.Column("shelter", sa.String(length=64), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("words_message", sa.String(length=40), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("resident_id", "origin", name="uq_household_answers_origin"),
    )
    op.create_index(
        "ix_household_answers_newest",
        "household_answers",
        ["resident_id", "drill"],
        unique=True,
        sqlite_where=NEWEST,
        postgresql_where=NEWEST,
    )
    op.create_index("ix_household_answers_told_at", "household_answers", ["told_at"])
    op.create_table(
        "household_needs",
        sa.Column("answer_id", ROW, nullable=False),
        sa.Column("need", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["household_answers.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("answer_id", "need"),
    )

"""The running record, households that are followed, dangers, tasks between departments.

Revision: 0026
Follows: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FOLLOW = """
    INSERT INTO household_cases
        (resident_id, drill, state, urgency, since, person, department, version, changed_at)
    SELECT resident_id, drill,
        CASE WHEN condition IN ('cannot-move', 'in-need') THEN 'open' ELSE 'nothing' END,
        CASE condition WHEN 'cannot-move' THEN 4 WHEN 'in-need' THEN 1 ELSE 0 END,
        told_at, '', '', 0, changed_at
    FROM household_answers WHERE newest
"""
"""Households that answered before are followed too."""


def upgrade() -> None:
    op.create_table(
        "record_entries",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("code", sa.String(length=48), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("department", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("corrects_id", ROW, nullable=True),
        sa.Column("source", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["corrects_id"],
            ["record_entries.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source"),
    )
    op.create_index("ix_record_entries_by_actor", "record_entries", ["drill", "actor", "at", "id"])
    op.create_index("ix_record_entries_by_kind", "record_entries", ["drill", "kind", "at", "id"])
    op.create_index("ix_record_entries_by_time", "record_entries", ["drill", "at", "id"])
    op.create_index(
        "ix_record_entries_corrections",
        "record_entries",
        ["corrects_id"],
        sqlite_where=sa.text("corrects_id IS NOT NULL"),
        postgresql_where=sa.text("corrects_id IS NOT NULL"),
    )
    op.create_index("ix_record_entries_entered_at", "record_entries", ["entered_at"])
    op.create_table(
        "household_cases",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("resident_id", ROW, nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person", sa.String(length=254), nullable=False),
        sa.Column("department", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("resident_id", "drill", name="uq_household_cases_resident"),
    )
    op.create_index("ix_household_cases_changed_at", "household_cases", ["changed_at"])
    op.create_index(
        "ix_household_cases_queue", "household_cases", ["drill", "state", "urgency", "since", "id"]
    )
    op.create_table(
        "dangers",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("report_id", ROW, nullable=True),
        sa.Column("resident_id", ROW, nullable=True),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("area", sa.String(length=32), nullable=True),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("photos", sa.JSON(), nullable=False),
        sa.Column("place_message", sa.String(length=40), nullable=False),
        sa.Column("note_message", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("same_as_id", ROW, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["same_as_id"], ["dangers.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("origin"),
        sa.UniqueConstraint("report_id"),
    )
    op.create_index("ix_dangers_created_at", "dangers", ["created_at"])
    op.create_index("ix_dangers_queue", "dangers", ["drill", "state", "created_at", "id"])
    op.create_index("ix_dangers_resident_id", "dangers", ["resident_id"])
    op.create_index("ix_dangers_same_as_id", "dangers", ["same_as_id"])
    op.create_table(
        "household_photos",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("answer_id", ROW, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["household_answers.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("answer_id", "sha256", name="uq_household_photos_file"),
    )
    op.create_index("ix_household_photos_sha256", "household_photos", ["sha256"])
    op.create_table(
        "tasks",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("from_department", sa.String(length=32), nullable=False),
        sa.Column("to_department", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("taken_by", sa.String(length=254), nullable=False),
        sa.Column("case_id", ROW, nullable=True),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["household_cases.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("origin"),
    )
    op.create_index("ix_tasks_case_id", "tasks", ["case_id"])
    op.create_index("ix_tasks_subject", "tasks", ["subject"])
    op.create_index("ix_tasks_queue", "tasks", ["drill", "state", "due_at", "id"])
    op.create_table(
        "task_notes",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("task_id", ROW, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_task_notes_task_id", "task_notes", ["task_id"])
    op.create_table(
        "household_notes",
        sa.Column("id", ROW, autoincrement=True, nullable=False),
        sa.Column("case_id", ROW, nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("delivery_id", ROW, nullable=True),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["household_cases.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "key", name="uq_household_notes_key"),
    )
    op.create_index("ix_household_notes_at", "household_notes", ["at"])
    op.create_index("ix_household_notes_delivery_id", "household_notes", ["delivery_id"])
    op.create_index(
        "ix_household_answers_counted",
        "household_answers",
        ["drill", "area", "shelter", "condition", "people"],
        sqlite_where=sa.text("newest = 1"),
        postgresql_where=sa.text("newest"),
    )
    op.execute(FOLLOW)

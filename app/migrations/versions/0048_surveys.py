"""Questions to residents: surveys, and what was answered under tokens.

Revision: 0048
Follows: 0050
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.add_column("news", sa.Column("survey", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "surveys",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("news_id", number, nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("seen_by", sa.String(length=16), nullable=False),
        sa.Column("offers", sa.String(length=32), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("closed_at", moment, nullable=True),
        sa.Column("closed_by", sa.String(), nullable=False),
        sa.Column("erased_words_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["news_id"], ["news.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("news_id"),
    )
    op.create_index("ix_surveys_closed_at", "surveys", ["closed_at"])
    op.create_table(
        "survey_responses",
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("survey_id", number, nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("resident_id", number, nullable=True),
        sa.ForeignKeyConstraint(["resident_id"], ["residents.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["survey_id"], ["surveys.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_survey_responses_survey", "survey_responses", ["survey_id", "finished"]
    )
    op.create_index("ix_survey_responses_resident_id", "survey_responses", ["resident_id"])
    op.create_table(
        "survey_answers",
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("question", sa.Integer(), nullable=False),
        sa.Column("option", sa.String(length=8), nullable=False),
        sa.Column("survey_id", number, nullable=False),
        sa.Column("number", sa.Float(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["survey_id"], ["surveys.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["token"], ["survey_responses.token"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token", "question", "option"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_survey_answers_question", "survey_answers", ["survey_id", "question", "option"]
    )

"""The message that said an answer to a survey, as a token, so that it can be taken back.

Revision: 0062
Follows: 0048
"""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("survey_answers", sa.Column("message", sa.String(40), nullable=True))

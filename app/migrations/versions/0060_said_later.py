"""What residents say later of a report, when it was entered, and who looked after an alarm.

Revision: 0060
Follows: 0062
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0062"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _words("report_updates", "said", sa.String())
    _words("report_updates", "said_message", sa.String(length=40))
    _words("report_updates", "language", sa.String(length=16))
    _words("report_updates", "japanese", sa.String())
    _words("report_updates", "translated_by", sa.String(length=40))
    _words("report_updates", "grave", sa.String(length=100))
    _index("ix_report_updates_said_message", "report_updates", "said_message", "said_message <> ''")
    _words("reports", "said_later", sa.String(length=100))
    op.add_column("reports", sa.Column("entered_at", MOMENT, nullable=True))
    _words("reports", "entered_by", sa.String())
    _index("ix_reports_entered", "reports", "entered_at", "entered_at IS NOT NULL")
    op.add_column("reports_heard", sa.Column("first_at", MOMENT, nullable=True))
    op.execute("UPDATE reports_heard SET first_at = last_at")
    op.add_column("reports_heard", sa.Column("opened_at", MOMENT, nullable=True))
    _words("reports_heard", "opened_by", sa.String())
    # What somebody has opened before is not open again.
    op.execute(
        "UPDATE reports_heard SET opened_at = r.opened_at, opened_by = r.opened_by "
        "FROM reports AS r WHERE r.id = reports_heard.report_id AND r.opened_at IS NOT NULL"
    )


def _words(table: str, name: str, type_: sa.String) -> None:
    op.add_column(table, sa.Column(name, type_, nullable=False, server_default=""))


def _index(name: str, table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        name, table, [column], sqlite_where=condition, postgresql_where=condition
    )


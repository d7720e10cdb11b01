"""Work shared between processes: Procrastinate's own tables, on PostgreSQL.

Revision: 0002
Follows: 0001
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = Path(__file__).parents[1] / "procrastinate" / "3.10.0.sql"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    # Sent without parameters, because its percent signs would count as placeholders.
    driver.execute(SCHEMA.read_bytes())

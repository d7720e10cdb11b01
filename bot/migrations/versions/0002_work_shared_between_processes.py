"""Work shared between processes: Procrastinate's own tables, on PostgreSQL.

Revision: 0002
Follows: 0001
"""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    # Sent as it is: with parameters, its percent signs would be taken for placeholders.
    driver.execute(SchemaManager.get_schema().encode())

"""The newest entries of the trail by a person or of a kind are found by an index.

Revision: 0043
Follows: 0042
"""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_actor_id", "audit", ["actor", "id"])
    op.create_index("ix_audit_action_id", "audit", ["action", "id"])
    op.drop_index("ix_audit_actor", "audit")
    op.drop_index("ix_audit_action", "audit")
